-- Functions that are fields of tables with so many computed keys that these have no shape: methods, modules, environments.

local function dictionary(n)
  local t = {}
  for k = 1, n do t["key" .. k] = k end
  return t
end
local function double(x) return x * 2 end
local function sum(self, x) return self.key1 + x end
local m = dictionary(70)
m.double = double
m.sum = sum
m.nothing = nil

local function calls(n)
  local s = 0
  for k = 1, n do s = s + m.double(k) + m:sum(k) end
  return s
end
print(calls(100))

-- Inherited ones.
local class = dictionary(50)
class.__index = class
class.sum = sum
local objects = {}
for k = 1, 20 do objects[k] = setmetatable(dictionary(k * 4), class) end
local function inherited(n)
  local s = 0
  for k = 1, n do s = s + objects[k % 20 + 1]:sum(k) end
  return s
end
print(inherited(100))

-- Environments whose globals come from elsewhere.
local function environment(n)
  local _ENV = setmetatable(dictionary(n), { __index = _ENV })
  function twice(x) return double(x) + key2 end
  local function run(k) local s = 0 for i = 1, k do s = s + twice(i) end return s end
  return run, _ENV
end
local run, env = environment(40)
print(run(50))
env.key2 = 100
print(run(50))
function env.twice(x) return -x end
print(run(50))
env.twice = nil
print(pcall(run, 1))
function twice(x) return 0.5 end
print(run(4))
twice = nil

-- What is removed, replaced, or grows while it is called.
m.double = nil
print(pcall(calls, 3))
m.double = function(x) return x end
print(calls(10))
for k = 71, 500 do m["key" .. k] = k end
print(calls(10))
m = setmetatable({}, { __index = m })
print(calls(10))
m = { double = math.abs, sum = math.max, key1 = 1 }
print(pcall(calls, 10))
