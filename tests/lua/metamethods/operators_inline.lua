-- Metamethods of arithmetic that are always one function: what they do is seen as if they were called.
local V = {}
V.__index = V
local function new(x, y) return setmetatable({x = x, y = y}, V) end
V.__add = function(a, b) return new(a.x + b.x, a.y + b.y) end
V.__sub = function(a, b) return new(a.x - b.x, a.y - b.y) end
V.__mul = function(a, b)
  if type(a) == "number" then return new(a * b.x, a * b.y) end
  if type(b) == "number" then return new(a.x * b, a.y * b) end
  return a.x * b.x + a.y * b.y
end
V.__div = function(a, k) return new(a.x / k, a.y / k) end

local function walk(n)
  local p, v = new(0, 0), new(1, 2)
  for i = 1, n do
    p = p + v - new(i, 1)
    if i % 100 == 0 then v = v + p end
  end
  return p.x, p.y
end
print(walk(500))
local function scaled(n)
  local s = 0
  for i = 1, n do
    local v = new(i, 3)
    s = s + (v * 2).x + (3 * v).y + (v * v)
  end
  return s
end
print(scaled(300))
local function chain(a, b, c) return a + b * 2 - c / 4 end
local s = 0
for i = 1, 300 do s = s + chain(new(i, 1), new(2, i), new(4, 4)).y end
print(s)

-- Another method, none, one of the other operand.
local add = V.__add
V.__add = function(a, b) return new(a.x + b.x + 1, 0) end
print(walk(300))
V.__add = nil
print(pcall(walk, 3))
V.__add = add
print(walk(300))
local W = {__add = function(a, b) return new(100, 100) end}
print(pcall(function() local w = setmetatable({x = 1, y = 2}, W) return chain(w, new(1, 1), new(4, 4)).x end))
print(chain(new(1, 1), setmetatable({x = 1, y = 1}, {__mul = function(a, b) return new(7, 7) end}), new(4, 4)).x)
debug.setmetatable(0, {__mul = function(a, b) return new(0, -1) end})
print((3 * new(1, 1)).y, (new(1, 1) * 3).y)
print(pcall(scaled, 10))
debug.setmetatable(0, nil)
print(scaled(300))

-- Errors inside and around, with their tracebacks.
local function fails(n)
  local p = new(0, 0)
  for i = 1, n do
    local q = new(i, 1)
    if i == 205 then q.y = {} end
    p = p + q
  end
  return p.x
end
print(fails(200))
print(select(2, xpcall(fails, debug.traceback, 300)))

-- The frames that are to be seen from inside.
local look = false
local L = {}
L.__index = L
local function names()
  local out = {}
  for level = 2, 4 do
    local info = debug.getinfo(level, "nSlt")
    out[#out + 1] = table.concat({tostring(info.name), info.namewhat, info.currentline, tostring(info.istailcall)}, ":")
  end
  return table.concat(out, " ")
end
L.__add = function(a, b)
  if look then
    print(names())
    local k, v = debug.getlocal(2, 2)
    print(k, v == a)
    local k, v = debug.getlocal(1, 1)
    print(k, v == a, v.n)
    v.n = v.n + 0.5
  end
  return setmetatable({n = a.n + b.n}, L)
end
local function sum(n)
  local a = setmetatable({n = 0}, L)
  for i = 1, n do
    local b = setmetatable({n = i}, L)
    look = i == 150
    a = a + b
  end
  return a.n
end
print(sum(100))
print(sum(200))
-- Left in the middle: results arrive, values around are what they were.
local M = {}
M.__sub = function(a, b)
  local n = a.n - b.n
  if n % 97 == 0 then debug.sethook(function() end, "c") debug.sethook() n = n * 1.0 end
  return setmetatable({n = n}, M)
end
local function left(n)
  local a, seen = setmetatable({n = 0}, M), 0
  for i = 1, n do
    local before = a
    a = a - setmetatable({n = i}, M)
    seen = seen + (before.n - a.n)
  end
  return a.n, seen
end
print(left(400))
-- Coroutines are left and entered inside.
local Y = {}
Y.__mul = function(a, b) if b.n % 50 == 0 then coroutine.yield(b.n) end return setmetatable({n = a.n + b.n}, Y) end
local co = coroutine.wrap(function()
  local a = setmetatable({n = 0}, Y)
  for i = 1, 200 do a = a * setmetatable({n = i}, Y) end
  return "end", a.n
end)
for _ = 1, 5 do print(co()) end
-- The collector runs inside.
local kept = {}
local G = {}
G.__add = function(a, b)
  if b.n % 64 == 0 then collectgarbage() end
  return setmetatable({n = a.n + b.n, text = ("x"):rep(b.n % 5)}, G)
end
local function collected(n)
  local a = setmetatable({n = 0, text = ""}, G)
  for i = 1, n do
    local b = setmetatable({n = i, text = "b" .. i}, G)
    a = a + b
    if i % 100 == 0 then kept[#kept + 1] = b end
  end
  return a.n, a.text, #kept, kept[#kept].text
end
print(collected(400))
local lines = {}
debug.sethook(function(_, l) lines[#lines + 1] = l end, "l")
local x = (new(1, 2) + new(3, 4)).x
debug.sethook()
print(x, #lines)
print(pcall(function() local r = setmetatable({}, {}) r = setmetatable({}, {__add = function(a, b) return a + b end}) return r + r end))
