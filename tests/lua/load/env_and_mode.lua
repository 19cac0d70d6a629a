-- load: environment, modes, chunk names, reader functions, results.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(load("return 1 + 1")(), load("x = 5")(), x)
local env = { y = 7 }
print(load("return y", "chunk", "t", env)(), load("z = y * 2", "chunk", "bt", env)(), env.z, z)
print(load("return ...", "c")(1, 2, 3))
print(load("syntax error here", "=src")) print(load("return x", "=src", "b")) print(load(string.dump(function() end), "=src", "t")) print(load("return 1", "=src", "q"))
print(load("return _ENV", "c", "t", nil)()) print(pcall(load("return x", "=noenv", "t", nil))) print(load("return _ENV.a", "c", "t", { a = "field" })()) print(load("local _ENV = { b = 2 } return b")())
local parts, i = { "return ", "1", " + ", "41", "" }, 0
print(load(function() i = i + 1 return parts[i] end)())
i = 0 parts = { "return 'a", "b", "c'", nil } print(load(function() i = i + 1 return parts[i] end)())
local n = 0 print(load(function() n = n + 1 if n <= 1000 then return n == 1 and "return 1" or "+1" end end)())
print(pcall(load, function() return 5 == 6 end)) print(pcall(load, function() return {} end)) print(pcall(load, function() error("reader failed", 0) end)) print(load(function() error({}) end) == nil)
print(load(function() return nil end)()) print(try(load)) print(try(load, {})) print(load("")()) print(load("   -- only a comment")())
local f1, f2 = load("return function() counter = (counter or 0) + 1 return counter end")(), load("return counter") print(f1(), f1(), f2())
local env1, env2 = { print = print }, { print = print } local g = "v = (v or 0) + 1 return v" load(g, "c", "t", env1)() load(g, "c", "t", env1)() print(load(g, "c", "t", env1)(), load(g, "c", "t", env2)())
print(try(load("error('msg')", "@file.lua"))) print(try(load("error('msg')", "=(load)"))) print(try(load("error('msg')"))) print(try(load("\n\nerror('msg')", "text\nmore"))) print(try(load("local t = nil; return t.x", "=v"))) print(try(load("return 1 +  nil", "=v")))
print(load("local a <const> = 1; return function() return a end")()()) print(#load("return {" .. ("1,"):rep(1000) .. "}")()) print(load("return function(...) return select('#', ...) end")()(nil, nil))
print(select("#", load("return")()), select("#", load("return nil")()), load("do return 1 end return 2")(), load("goto e; do return 1 end ::e:: return 'e'")())
print(dofile == nil, try(dofile, "/nonexistent.lua"), loadfile("/nonexistent.lua")) print(load("\239\187\191return 1", "=bom") == nil, load("#!shebang\nreturn 1", "=sb") == nil)
