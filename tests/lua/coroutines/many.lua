-- More coroutines than native stacks: frames are put aside and come back, from depth, from machine code and through pcall, with errors,
-- closing and collection in between; coroutines resume each other in every order.
local N = 1500
local function deep(n, ...)
  if n == 0 then return coroutine.yield(...) end
  local r = deep(n - 1, ...)
  return r + n
end

local cos = {}
for i = 1, N do
  cos[i] = coroutine.create(function(x)
    while true do
      local ok, v = pcall(deep, i % 7, x + i)
      if v == -1 then error({ i }) end
      x = v
    end
  end)
end
local sum = 0
for round = 1, 4 do
  for i = 1, N do
    local k = (i * 7919 + round * 13) % N + 1
    local ok, v = coroutine.resume(cos[k], i)
    assert(ok)
    sum = (sum * 31 + v) % 1000003
  end
  collectgarbage()
end
print(sum)

-- A coroutine resumes others that may be bound to its own stack.
local function chain(depth, from)
  return coroutine.wrap(function()
    local total = 0
    for i = from, N, 97 do
      local ok, v = coroutine.resume(cos[i], depth)
      total = (total + v) % 1000003
      coroutine.yield(total)
    end
    if depth > 0 then
      for v in chain(depth - 1, from + 1) do coroutine.yield(v + total) end
    end
  end)
end
sum = 0
for v in chain(30, 1) do sum = (sum * 31 + v) % 1000003 end
print(sum)

-- Deep recursion suspended beyond the first segment.
local big = {}
for i = 1, 600 do
  big[i] = coroutine.wrap(function(x) while true do x = deep(i % 200 == 0 and 6000 or 3, x) end end)
  big[i](i)
end
sum = 0
for round = 1, 2 do
  for i = 600, 1, -1 do sum = (sum + big[i](round)) % 1000003 end
end
print(sum)

-- Tracebacks and local variables of coroutines whose frames are elsewhere.
local traced = {}
for i = 1, 3 do
  local co = cos[i * 400]
  traced[#traced + 1] = debug.traceback(co):gsub("%d+", "N")
  print(select(2, debug.getlocal(co, 1, 1)))
end
print(table.concat(traced, "\n"))

-- Failing, closing, abandoning.
local closed = 0
for i = 1, N do
  if i % 3 == 0 then
    local ok, e = coroutine.resume(cos[i], -1)
    assert(ok or type(e) == "table" and e[1] == i)
  elseif i % 3 == 1 then
    assert(coroutine.close(cos[i]))
    closed = closed + 1
  end
  cos[i] = nil
end
collectgarbage()
print(closed)

-- Closing methods run on the closer's stack and may resume others.
local helper = coroutine.wrap(function() local n = 0 while true do n = n + 1 coroutine.yield(n) end end)
local pending = {}
for i = 1, 700 do
  pending[i] = coroutine.create(function()
    local c <close> = setmetatable({}, { __close = function() sum = sum + helper() end })
    coroutine.yield()
  end)
  coroutine.resume(pending[i])
end
coroutine.wrap(function()
  for i = 1, 700 do assert(coroutine.close(pending[i])) end
end)()
print(sum, helper())
