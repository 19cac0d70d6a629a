-- Methods that are fields of their object, found with its other fields; many shapes at one place.
local counter = { n = 0, list = { 1, 2, 3 } }
function counter:add(k) self.n = self.n + k return self:last(k) end
function counter:last(k) return self.list[k % 3 + 1] + self.n end
function counter:deep(k)
  self.n = self.n + 1
  if k == 0 then return self.n end
  return self:deep(k - 1) + self:last(k)
end
local function run(o, n)
  local t = 0
  for i = 1, n do t = t + o:add(i) end
  return t + o:deep(5)
end
print(run(counter, 50))
-- The method changes, the object gets more fields, loses the method, is of another kind.
function counter:last(k) return k end
print(run(counter, 50))
counter.more = 1
print(run(counter, 50))
function counter:add(k) if k == 20 then self.add = function(o, j) o.n = o.n - j return j end end return k end
print(run(counter, 50))
counter.last = nil
print(pcall(run, counter, 50))
setmetatable(counter, { __index = { last = function(_, k) return -k end } })
print(run(counter, 50))
counter.add = 5
print(pcall(run, counter, 3))
counter.add = setmetatable({}, { __call = function(_, o, k) return k * 2 end })
print(run(counter, 5))
print(pcall(run, "text", 3))
print(pcall(run, nil, 3))
-- Ten shapes.
local C = {}
C.__index = C
function C.get(o) return o.x end
function C:put(v) self.x = v end
local objects = {}
for i = 1, 10 do
  local o = setmetatable({}, C)
  for k = 1, i do o["f" .. k] = k end
  o.x = i
  objects[i] = o
end
local function sum(n)
  local t = 0
  for i = 1, n do
    local o = objects[i % #objects + 1]
    t = t + o:get() + o.x
    o:put(i % 11)
  end
  return t
end
print(sum(500))
print(sum(500))
function C.get(o) return -o.x end
print(sum(500))
objects[11] = setmetatable({ x = 2.5 }, { __index = function(_, k) return C[k] end })
objects[12] = setmetatable({ x = 1 }, { __index = { get = function() return 100 end, put = C.put } })
print(sum(500))
collectgarbage()
print(sum(500))
objects[13] = setmetatable({ x = 1 }, { __index = {} })
print(pcall(sum, 500))
C.get = nil
print(pcall(sum, 500))
