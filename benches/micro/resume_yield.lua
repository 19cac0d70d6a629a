-- A resume and the yield that answers it: nanoseconds per pair; by coroutine.resume, by a wrapped function, as an iterator of a generic
-- `for`, round robin over 100 coroutines, and from the depth of a recursion.
local N = tonumber(arg[1]) or 5000000
local create, resume, yield, wrap = coroutine.create, coroutine.resume, coroutine.yield, coroutine.wrap

local function measure(name, body)
  local t = os.clock()
  body()
  print(string.format("%s %.1f ns", name, (os.clock() - t) / N * 1e9))
end

local function forever(x)
  while true do x = yield(x) end
end

measure("pair_resume", function()
  local co = create(forever)
  for i = 1, N do resume(co, i) end
end)
measure("pair_wrap", function()
  local co = wrap(forever)
  for i = 1, N do co(i) end
end)
measure("pair_for", function()
  for _ in wrap(function() for i = 1, N do yield(i) end end) do end
end)
measure("pair_round_robin", function()
  local cos = {}
  for k = 1, 100 do cos[k] = create(forever) end
  for _ = 1, N // 100 do
    for k = 1, 100 do resume(cos[k], k) end
  end
end)
measure("pair_deep", function()
  local function walk(depth)
    if depth == 0 then return yield(depth) end
    walk(depth - 1)
    walk(depth - 1)
  end
  local n, levels = N, 10
  while n > 0 do
    for _ in wrap(function() walk(levels) end) do n = n - 1 end
  end
end)
