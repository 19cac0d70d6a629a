-- Control-flow graphs as objects: depth-first numbering, dominators by iteration, and natural loops.
local N = tonumber(arg[1] or 100)

local seed = 13
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968)
end

local Block = {}
Block.__index = Block

function Block.new(id)
  return setmetatable({ id = id, succ = {}, pred = {}, order = 0, idom = nil, header = nil, depth = 0 }, Block)
end

function Block:to(other)
  self.succ[#self.succ + 1] = other
  other.pred[#other.pred + 1] = self
end

-- A chain of blocks with random forward jumps and nested backward ones.
local function generate(n)
  local blocks = {}
  for i = 1, n do blocks[i] = Block.new(i) end
  for i = 1, n - 1 do
    blocks[i]:to(blocks[i + 1])
    local kind = random(4)
    if kind == 0 then
      blocks[i]:to(blocks[math.min(n, i + 2 + random(10))])
    elseif kind == 1 and i > 20 then
      blocks[i]:to(blocks[i - random(20)])
    end
  end
  return blocks
end

-- Postorder with an explicit stack; returns the blocks in reverse postorder.
local function number(entry)
  local stack, nextchild, post = { entry }, { 1 }, {}
  local seen = { [entry] = true }
  while #stack > 0 do
    local top = #stack
    local b, k = stack[top], nextchild[top]
    local s = b.succ[k]
    if s then
      nextchild[top] = k + 1
      if not seen[s] then
        seen[s] = true
        stack[top + 1], nextchild[top + 1] = s, 1
      end
    else
      stack[top], nextchild[top] = nil, nil
      post[#post + 1] = b
    end
  end
  local order = {}
  for i = #post, 1, -1 do
    local b = post[i]
    order[#order + 1] = b
    b.order = #order
  end
  return order
end

local function meet(a, b)
  while a ~= b do
    while a.order > b.order do a = a.idom end
    while b.order > a.order do b = b.idom end
  end
  return a
end

local function dominators(order)
  local entry, rounds = order[1], 0
  entry.idom = entry
  local changed = true
  while changed do
    changed = false
    rounds = rounds + 1
    for i = 2, #order do
      local b, dom = order[i], nil
      for _, p in ipairs(b.pred) do
        if p.idom then dom = dom and meet(p, dom) or p end
      end
      if b.idom ~= dom then
        b.idom = dom
        changed = true
      end
    end
  end
  return rounds
end

local function dominates(a, b)
  while b.order > a.order do b = b.idom end
  return a == b
end

-- Bodies of natural loops, innermost last: each block counts how many loops hold it.
local function loops(order)
  local count = 0
  for i = #order, 1, -1 do
    local header = order[i]
    local body, work = nil, {}
    for _, p in ipairs(header.pred) do
      if p.order > 0 and dominates(header, p) then
        body = body or { [header] = true }
        if not body[p] then
          body[p] = true
          work[#work + 1] = p
        end
      end
    end
    if body then
      count = count + 1
      header.depth = header.depth + 1
      while #work > 0 do
        local b = table.remove(work)
        b.depth = b.depth + 1
        for _, p in ipairs(b.pred) do
          if not body[p] then
            body[p] = true
            work[#work + 1] = p
          end
        end
      end
    end
  end
  return count
end

local h, total = 0, 0
for _ = 1, N do
  local blocks = generate(2000)
  local order = number(blocks[1])
  local rounds = dominators(order)
  local count = loops(order)
  total = total + count
  for i = 1, #order do
    local b = order[i]
    h = (h * 31 + b.id + b.idom.id * 3 + b.depth) % 1000003
  end
  h = (h + rounds) % 1000003
end
print(string.format("graph %d %d", total, h))
