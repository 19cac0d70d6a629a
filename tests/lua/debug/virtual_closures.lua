-- Somebody looks at closures that are not made, and at their variables: debug library, hooks, coroutines, the collector.
local training = os.getenv("TRINITY_TRAINING") ~= nil
local LATE = training and math.huge or 60

local function times(n, f) for i = 1, n do f(i) end end
local look = setmetatable({}, { __index = function(_, k) return k end })

-- A metamethod, called from code in line, reads and changes the variables of the frames around it.
local seen
local probe = setmetatable({}, {
  __index = function(_, i)
    if i < LATE then return 1 end
    -- Level 2 is the callback, 3 is `times`, 4 the function with the variables.
    local info = debug.getinfo(2, "f")
    seen = seen or info.func
    local n = 1
    while true do
      local name, v = debug.getlocal(4, n)
      if not name then break end
      if name == "sum" then debug.setlocal(4, n, v + 1000) end
      if name == "back" then assert(v == info.func) end
      n = n + 1
    end
    if i == LATE + 3 then debug.setupvalue(info.func, 3, 5) end
    return 2
  end,
})
local function probed(n)
  local sum, count = 0, 0
  local back = function(i) sum = sum + probe[i] count = count + 1 end
  times(n, back)
  return sum, count
end
for _ = 1, 5 do probed(50) end
print(probed(50)) print(probed(70))
if seen then
  local names = {}
  for i = 1, 4 do names[i] = tostring((debug.getupvalue(seen, i))) end
  print(table.concat(names, " "), debug.getupvalue(seen, 1))
end

-- Hooks.
local function hooked(n)
  local sum = 0
  local lines, last = 0, nil
  local function hook()
    lines = lines + 1
    local f = debug.getinfo(2, "f").func
    last = f
    local name, v = debug.getlocal(2, 1)
  end
  times(n, function(i)
    if i == LATE then debug.sethook(hook, "l") end
    sum = sum + i
    if i == LATE + 5 then debug.sethook() end
  end)
  debug.sethook()
  return sum, lines > 0 and type(last)
end
for _ = 1, 5 do hooked(50) end
print(hooked(50)) print(hooked(80))

-- Tracebacks and error messages.
local function failing(n)
  local here = 0
  local function step(i)
    here = here + i
    local t = i >= LATE and nil or look
    return t[i] + here
  end
  local function go(i) return (step(i)) end
  local ok, trace = xpcall(function() local s = 0 for i = 1, n do s = s + go(i) end return s end, debug.traceback)
  return ok, trace
end
for _ = 1, 5 do failing(50) end
print(failing(50)) print(failing(70))

-- Yields inside of callbacks.
local function each(t, f) for i = 1, #t do f(t[i]) end end
local list = {} for i = 1, 80 do list[i] = i end
local function yielding()
  local sum = 0
  local function gen()
    local local_sum = 0
    each(list, function(x)
      sum = sum + x
      local_sum = local_sum + 1
      if x >= LATE or x % 16 == 0 then coroutine.yield(sum, local_sum) end
    end)
    return "done", local_sum
  end
  local co = coroutine.create(gen)
  local out = {}
  while true do
    local ok, a, b = coroutine.resume(co)
    out[#out + 1] = tostring(a) .. "/" .. tostring(b)
    if coroutine.status(co) == "dead" then break end
    sum = sum + 1
    if #out == 3 then out[#out + 1] = tostring(debug.getlocal(co, 1, 1)) end
  end
  return table.concat(out, " "), sum
end
print(yielding()) print(yielding())

-- The collector, often; weak references to what a closure has.
local weak = setmetatable({}, { __mode = "v" })
local function collected(n)
  local sum = 0
  for i = 1, n do
    local box = { i }
    local text = "t" .. i
    local function get() return box[1] + #text end
    if i >= LATE then
      weak[i] = box
      collectgarbage()
      weak[0] = get
    end
    sum = sum + get()
  end
  return sum
end
for _ = 1, 5 do collected(50) end
print(collected(50)) print(collected(66))
collectgarbage()
print(next(weak) == nil or weak[0] == nil)

-- Joined upvalues.
local joined
local function joins(n)
  local s = 0
  for i = 1, n do
    local a, b = i, -i
    local function fa() a = a + 1 return a end
    local function fb() b = b - 1 return b end
    s = s + fa() + fb()
    if i >= LATE then
      debug.upvaluejoin(fa, 1, fb, 1)
      joined = fa
      s = s + fa() * 3
    end
    s = s + a + b
  end
  return s
end
for _ = 1, 5 do joins(50) end
print(joins(50)) print(joins(70), joined and joined())
