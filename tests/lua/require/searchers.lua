-- package.searchers, searchpath, config, own searchers, the second value of require.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(#package.searchers, package.config:sub(1, 1), #package.config, select(2, package.config:gsub("\n", "")))
print(package.searchpath("a.b", "./?.x;/tmp/?/none.y")) print(package.searchpath("a-b", "./?.x", "-", "+")) print(package.searchpath("a.b", "./?.x", "")) print(package.searchpath("x", "")) print(pcall(package.searchpath, "x"))
local name = os.tmpname() local f = io.open(name, "w") f:write("local n, p = ... return { name = n, path = p }") f:close()
print(package.searchpath("anything", name) == name) print(package.searchpath("x", "/nonexistent/?;" .. name) == name)
package.path = name local m, where = require "frompath" print(m.name, m.path == name, where == name)
table.insert(package.searchers, 2, function(n) if n == "own" then return function(...) print(...) return "own module" end, "extra data" end return "\n\town searcher says no to " .. n end)
print(require "own") package.path = "/nonexistent/?.lua" package.cpath = "/nonexistent/?.so" print(pcall(require, "other"))
package.searchers[2] = function() return nil end print(try(require, "other2")) package.searchers[2] = function() return 42 end print(try(require, "other3")) package.searchers[2] = function() error("searcher broke", 0) end print(try(require, "other4"))
f = io.open(name, "w") f:write("syntax error here") f:close() package.searchers[2] = function() end package.path = name print((select(2, pcall(require, "bad")):gsub(name, "NAME", nil)))
f = io.open(name, "w") f:write("error('while loading')") f:close() print((select(2, pcall(require, "bad2")):gsub(name:gsub("%p", "%%%0"), "NAME")))
print(package.loadlib("/nonexistent.so", "f")) print(package.loadlib("/nonexistent.so", "*") == nil)
os.remove(name)
