-- Calls of a few functions at one place: told apart by their code, in line or direct; others that come later; what they raise, yield and look at.
local function class(parent)
  local c = {}
  c.__index = c
  return setmetatable(c, parent)
end

local Base = class()
function Base:area() return 0 end
function Base:name() return "base" end
function Base:scale(n) return self:area() * n end
function Base:set(v) self.v = v end
local Square = class(Base)
function Square:area() return self.s * self.s end
function Square:name() return "square" .. self.s end
local Rect = class(Base)
function Rect:area() return self.w * self.h end
function Rect:set(v) self.w = v self.v = v + 1 end
local Disc = class(Base)
function Disc:area() return 3 * self.r ^ 2 end
local Odd = class(Base)
function Odd:area() return self.q // self.z end

local function objects(n)
  local all = {}
  for i = 1, n do
    local k = i % 5
    if k == 0 then all[i] = setmetatable({ s = i }, Square)
    elseif k == 1 then all[i] = setmetatable({ w = i, h = 2 }, Rect)
    elseif k == 2 then all[i] = setmetatable({ r = i }, Disc)
    elseif k == 3 then all[i] = setmetatable({ extra = 1, s = i + 1 }, Square)
    else all[i] = setmetatable({}, Base) end
  end
  return all
end

local function sums(all)
  local total, text = 0, 0
  for round = 1, 20 do
    for i = 1, #all do
      local o = all[i]
      total = total + o:area() + o:scale(round)
      o:set(round)
      text = text + #o:name() + o.v
    end
  end
  return total, text
end

local all = objects(40)
print(sums(all))
-- A class that nobody saw, one that raises, one without the method.
all[7] = setmetatable({ q = 12, z = 5 }, Odd)
print(sums(all))
all[9] = setmetatable({ q = 1, z = 0 }, Odd)
print(pcall(sums, all))
all[9] = { area = 1 }
print(pcall(sums, all))
all[9] = { area = function(self, x) return x == nil and 5 end, scale = function(_, n) return n end,
  set = function(self, v) self.v = v end, name = function() return "own" end }
print(sums(all))
all[9] = setmetatable({}, { __index = function(_, k) return function() return k == "name" and "any" or 1 end end })
print(pcall(sums, all))
all[9] = all[1]
all[7] = all[2]

-- Native functions and values with __call among them.
local function apply(fs, n)
  local t = 0
  for i = 1, n do
    local f = fs[i % #fs + 1]
    t = t + f(i, 3)
  end
  return t
end
local add = function(a, b) return a + b end
local mul = function(a, b, c) return a * b + (c or 1) end
local one = function(a) return a end
local fs = { add, mul, one }
print(apply(fs, 300))
fs[4] = math.max
print(apply(fs, 300))
fs[5] = setmetatable({}, { __call = function(_, a, b) return a - b end })
print(apply(fs, 300))
fs[5] = function(...) return select("#", ...) end
print(apply(fs, 300))
fs[5] = function() end
print(pcall(apply, fs, 300))
fs[5] = function(a) error("at " .. a) end
print(pcall(apply, fs, 300))
fs[5] = function(a) error({ a }) end
print(type(select(2, pcall(apply, fs, 300))))
fs[5] = nil
fs[4] = function(a, b) return a + b + 0.5 end
print(apply(fs, 300))
-- No results wanted, and functions that give several.
local log = {}
local put = { function(x) log[#log + 1] = x end, function(x) log[1] = x return 1, 2 end, function(x) log[#log] = -x return nil end }
local function run(n)
  for i = 1, n do put[i % 3 + 1](i) end
  return #log, log[1], log[#log]
end
print(run(50))
print(run(51))
-- They yield.
local function yielders(n)
  local t = 0
  local list = { function(i) return coroutine.yield(i) end, function(i) return i * 2 end, function(i) return (coroutine.yield(-i)) + 1 end }
  for i = 1, n do
    local f = list[i % 3 + 1]
    local v = f(i)
    t = t + v
  end
  return t
end
local co = coroutine.wrap(yielders)
local v, steps = co(60), 0
while v and steps < 40 do
  steps = steps + 1
  local w = co(v * 3)
  if steps < 4 or steps == 40 then print(steps, v, w) end
  v = w
end
-- They look at their callers, and set hooks.
local depth
local lookers = {
  function(i) return i end,
  function(i)
    if i == 46 then depth = debug.traceback("from inside") end
    return i + 1
  end,
  function(i)
    if i == 47 then
      local n = 0
      debug.sethook(function() n = n + 1 if n > 3 then debug.sethook() end end, "l")
    end
    return i + 2
  end,
}
local function look(n)
  local t = 0
  for i = 1, n do
    local f = lookers[i % 3 + 1]
    local v = f(i)
    t = t + v
  end
  return t
end
print(look(30))
print(look(60))
print(depth)
-- A method is given another body, for some and for all.
local function count(list)
  local t = 0
  for i = 1, #list do
    local o = list[i]
    t = t + o:area()
    if i == 20 then function Rect:area() return 1000 end end
    if i == 30 then Square.area = Rect.area end
    if i == 33 then Disc.area = nil end
  end
  return t
end
for _ = 1, 3 do print(count(all)) end
setmetatable(all[1], Disc)
print(count(all))
-- Recursion through them.
local walk
local visit = {
  function(t, d) return d end,
  function(t, d) return walk(t.l, d + 1) + walk(t.r, d + 1) end,
  function(t, d) return walk(t.l, d + 1) end,
}
function walk(t, d)
  local f = visit[t.k]
  local n = f(t, d)
  return n
end
local function tree(n)
  if n == 0 then return { k = 1 } end
  if n % 3 == 0 then return { k = 3, l = tree(n - 1) } end
  return { k = 2, l = tree(n - 1), r = tree(n - 1) }
end
print(walk(tree(9), 0))
all[3].s = "x"
Square.area = function(self) return self.s + 1 end
count(all)
