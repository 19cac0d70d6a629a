-- Object-oriented queues: a ring of linked nodes and a two-index table, behind one interface.
local N = tonumber(arg[1] or 4000000)

local ListQueue = {}
ListQueue.__index = ListQueue

function ListQueue.new()
  return setmetatable({ first = nil, last = nil, count = 0 }, ListQueue)
end

function ListQueue:put(value)
  local node = { value = value, next = nil }
  if self.last then self.last.next = node else self.first = node end
  self.last = node
  self.count = self.count + 1
end

function ListQueue:take()
  local node = self.first
  self.first = node.next
  if not node.next then self.last = nil end
  self.count = self.count - 1
  return node.value
end

local ArrayQueue = {}
ArrayQueue.__index = ArrayQueue

function ArrayQueue.new()
  return setmetatable({ head = 1, tail = 0, items = {}, count = 0 }, ArrayQueue)
end

function ArrayQueue:put(value)
  local tail = self.tail + 1
  self.tail = tail
  self.items[tail] = value
  self.count = self.count + 1
end

function ArrayQueue:take()
  local head = self.head
  local value = self.items[head]
  self.items[head] = nil
  self.head = head + 1
  self.count = self.count - 1
  return value
end

local function exercise(queue, n)
  local h = 0
  for i = 1, 100 do queue:put(i) end
  for i = 1, n do
    local v = queue:take()
    h = (h * 31 + v) % 1000003
    queue:put((v * 7 + i) % 10007)
  end
  return h + queue.count
end

local half = (N - N % 2) / 2
print(string.format("queue %d %d", exercise(ListQueue.new(), half), exercise(ArrayQueue.new(), half)))
