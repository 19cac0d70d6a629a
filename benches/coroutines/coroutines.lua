-- Coroutines: a generator pipeline, recursive tree walking by yield, and a round-robin scheduler of many tasks.
local N = tonumber(arg[1] or 140)

local function numbers(n)
  return coroutine.wrap(function()
    for i = 1, n do coroutine.yield(i) end
  end)
end

local function mapped(source, f)
  return coroutine.wrap(function()
    for v in source do coroutine.yield(f(v)) end
  end)
end

local function build(depth, base)
  if depth == 0 then return { value = base } end
  return { left = build(depth - 1, base * 2), value = base, right = build(depth - 1, base * 2 + 1) }
end

local function walk(tree)
  if tree.left then walk(tree.left) end
  coroutine.yield(tree.value)
  if tree.right then walk(tree.right) end
end

local function schedule(tasks)
  local h, live = 0, #tasks
  while live > 0 do
    for i = 1, #tasks do
      local task = tasks[i]
      if coroutine.status(task) == "suspended" then
        local _, v = coroutine.resume(task, i)
        if v then h = (h * 31 + v) % 1000003 else live = live - 1 end
      end
    end
  end
  return h
end

local h, tree = 0, build(9, 1)
for round = 1, N do
  for v in mapped(mapped(numbers(10000), function(x) return x + round end), function(x) return x % 1009 end) do
    h = (h * 31 + v) % 1000003
  end
  for v in coroutine.wrap(function() walk(tree) end) do h = (h * 31 + v) % 1000003 end
  local tasks = {}
  for i = 1, 200 do
    tasks[i] = coroutine.create(function(id)
      for k = 1, i % 20 + 10 do id = id + coroutine.yield(id * k) end
    end)
  end
  h = (h + schedule(tasks)) % 1000003
end
print(string.format("coroutines %d", h))
