-- Functions of this file and functions made by load that tail-call each other need no stack.
local function b(n, a)
  if n == 0 then return "done", debug.getinfo(1, "t").istailcall end
  return a(n - 1, b)
end
local function c(n, a, ...)
  if n == 0 then return "done", select("#", ...) end
  return a(n - 1, c, n, ...)
end
local a = load [[
  local function a(n, b) if n == 0 then return "done", debug.getinfo(1, "t").istailcall end return b(n - 1, a) end
  return a
]]()
local v = load [[
  local function v(n, c, first, ...) if n == 0 then return "done", first, ... end return c(n - 1, v) end
  return v
]]()
print(pcall(b, 300000, a))
print(pcall(b, 300001, a))
print(pcall(c, 300000, v))
print(pcall(c, 300001, v))
print(coroutine.wrap(function() return b(300000, a) end)())
