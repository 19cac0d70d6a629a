-- getupvalue, setupvalue, upvalueid, upvaluejoin, of Lua and C functions.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local a, b = 1, "two"
local function f() return a, b end
local function g() a = a + 1 return a end
print(debug.getupvalue(f, 1)) print(debug.getupvalue(f, 2)) print(debug.getupvalue(f, 3)) print(debug.getupvalue(g, 1))
print(debug.setupvalue(f, 1, 10), a, g(), f())
print(debug.setupvalue(f, 5, 0), debug.setupvalue(f, 2, nil), f())
print(debug.upvalueid(f, 1) == debug.upvalueid(g, 1), debug.upvalueid(f, 1) == debug.upvalueid(f, 2), pcall(debug.upvalueid, f, 3))
local function counter() local n = 0 return function() n = n + 1 return n end end
local c1, c2 = counter(), counter()
c1() c1() c1()
print(debug.upvalueid(c1, 1) == debug.upvalueid(c2, 1))
debug.upvaluejoin(c2, 1, c1, 1)
print(c2(), c1(), debug.upvalueid(c1, 1) == debug.upvalueid(c2, 1))
print(try(debug.upvaluejoin, c1, 2, c2, 1)) print(try(debug.upvaluejoin, print, 1, c2, 1))
print(debug.getupvalue(string.gmatch("x", "x"), 1)) print(debug.getupvalue(print, 1))
local chunk = load("return x")
print((debug.getupvalue(chunk, 1)), debug.setupvalue(chunk, 1, { x = "from a new environment" }), chunk())
local stripped = load(string.dump(function() return a, b end, true))
print((debug.getupvalue(stripped, 1))) print((debug.getupvalue(stripped, 2)))
local function nested() return function() return a end end
print((debug.getupvalue(nested, 1))) print(debug.getupvalue(nested(), 1))
print(try(debug.getupvalue, 1, 1), try(debug.setupvalue, f, 1))
