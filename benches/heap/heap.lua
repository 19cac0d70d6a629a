-- Object-oriented binary heap with a comparison method, used as the event list of a small simulation.
local N = tonumber(arg[1] or 450000)

local Event = {}
Event.__index = Event

function Event.new(time, id)
  return setmetatable({ time = time, id = id }, Event)
end

function Event:before(other)
  if self.time ~= other.time then return self.time < other.time end
  return self.id < other.id
end

local Heap = {}
Heap.__index = Heap

function Heap.new()
  return setmetatable({ size = 0, items = {} }, Heap)
end

function Heap:push(e)
  local items, i = self.items, self.size + 1
  self.size = i
  while i > 1 do
    local parent = i // 2
    local p = items[parent]
    if not e:before(p) then break end
    items[i] = p
    i = parent
  end
  items[i] = e
end

function Heap:pop()
  local items, n = self.items, self.size
  local top, last = items[1], items[n]
  items[n] = nil
  n = n - 1
  self.size = n
  if n > 0 then
    local i = 1
    while true do
      local child = 2 * i
      if child > n then break end
      if child < n and items[child + 1]:before(items[child]) then child = child + 1 end
      local c = items[child]
      if not c:before(last) then break end
      items[i] = c
      i = child
    end
    items[i] = last
  end
  return top
end

local seed = 11
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return seed * n // 139968
end

local heap = Heap.new()
for i = 1, 1000 do heap:push(Event.new(random(1000), i)) end
local h = 0
for i = 1, N do
  local e = heap:pop()
  h = (h * 31 + e.time + e.id) % 1000003
  heap:push(Event.new(e.time + 1 + random(1000), 1000 + i))
end
print(string.format("heap %d %d", heap.size, h))
