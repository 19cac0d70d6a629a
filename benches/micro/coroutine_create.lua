-- Creating a coroutine and resuming it for the first time: nanoseconds each. Three fates: it finishes at once, it is abandoned after a
-- first yield (the collector takes it), it is made by wrap.
local N = tonumber(arg[1]) or 1000000
local create, resume, yield, wrap = coroutine.create, coroutine.resume, coroutine.yield, coroutine.wrap

local function measure(name, body)
  collectgarbage()
  local t = os.clock()
  body()
  print(string.format("%s %.1f ns", name, (os.clock() - t) / N * 1e9))
end

measure("create_finish", function()
  local function f(x) return x end
  for i = 1, N do resume(create(f), i) end
end)
measure("create_abandon", function()
  local function f(x) yield(x) end
  for i = 1, N do resume(create(f), i) end
end)
measure("wrap_finish", function()
  local function f(x) return x end
  for i = 1, N do wrap(f)(i) end
end)
