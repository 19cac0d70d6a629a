-- getmetatable, setmetatable, getregistry, getuservalue and friends.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(debug.getmetatable({}), debug.getmetatable("").__index == string, debug.getmetatable(1), debug.getmetatable(print))
local t = {}
local mt = { __metatable = "hidden" }
print(debug.setmetatable(t, mt) == t, getmetatable(t), debug.getmetatable(t) == mt, debug.setmetatable(t, nil) == t, getmetatable(t))
print(type(debug.getregistry()), debug.getregistry()[2] == _G, type(debug.getregistry()._LOADED), debug.getregistry()._LOADED == package.loaded)
print(debug.getuservalue(io.stdout, 1), debug.getuservalue({}, 1), try(debug.setuservalue, {}, 1), debug.getuservalue(io.stdout))
print(pcall(debug.setmetatable, {}, 1))
print(debug.setmetatable(10, { __index = { double = function(n) return n * 2 end } }), (10):double(), (2.5):double())
debug.setmetatable(10, nil)
print(pcall(debug.setcstacklimit, 200))
local names = {} for k in pairs(debug) do names[#names + 1] = k end table.sort(names) print(table.concat(names, " "))
for _, lib in ipairs { "string", "table", "math", "io", "os", "coroutine", "utf8", "package" } do
  local n = {} for k in pairs(_G[lib]) do n[#n + 1] = k end table.sort(n) print(lib, table.concat(n, " "))
end
local g = {} for k, v in pairs(_G) do g[#g + 1] = k .. ":" .. type(v) end table.sort(g) print(table.concat(g, " "))
print(_VERSION)
