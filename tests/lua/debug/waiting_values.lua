-- Values that wait in calls are seen, changed and collected as if they were in their slots.
local show = {}
local function look(level)
  local i = 1
  while true do
    local name, value = debug.getlocal(level + 1, i)
    if not name then break end
    show[#show + 1] = name .. "=" .. tostring(value):gsub("0x%x+", "addr"):gsub("table: .*", "table")
    i = i + 1
  end
end

local probe = function() end
local function leaf(x)
  probe(x)
  return x * 2
end
local function all(a, b, s, t, f, flag, nothing)
  local sum = 0
  for i = a, b, 3 do
    local g = f + i
    local first = leaf(i)
    local second = leaf(first + 1)
    sum = sum + first + second + g + #s + #t + (flag and 1 or 0)
    if nothing then sum = -1 end
  end
  for i = b, a, -2 do
    sum = sum + leaf(i) + f
  end
  return sum, s, #t
end

-- Trained with these kinds.
for i = 1, 50 do all(1, 10, "abc" .. i, { i }, 0.5, true, nil) end
local r, s, t = all(1, 10, "wait" .. 1, { 1, 2 }, 0.25, true, nil)
print(r, s, t)

-- Looked at from inside.
local calls = 0
probe = function(x)
  calls = calls + 1
  if calls == 3 or calls == 11 then look(3) end
end
print(all(1, 10, "seen" .. 2, { 1, 2, 3 }, 1.5, false, nil))
for _, line in ipairs(show) do print(line) end

-- Changed from inside: the frame goes on with the new values.
calls = 0
probe = function(x)
  calls = calls + 1
  if calls == 3 then
    local i = 1
    while true do
      local name = debug.getlocal(3, i)
      if not name then break end
      if name == "f" then debug.setlocal(3, i, 100) end
      if name == "s" then debug.setlocal(3, i, "longer than before") end
      if name == "sum" then debug.setlocal(3, i, 1000.5) end
      i = i + 1
    end
    collectgarbage()
  end
end
print(all(1, 10, "changed" .. 3, { 1 }, 2.5, false, nil))

-- Collected while they wait.
probe = function() collectgarbage() end
local before = setmetatable({}, { __mode = "k" })
local function keep(n)
  if n == 0 then
    collectgarbage()
    local count = 0
    for _ in pairs(before) do count = count + 1 end
    return count
  end
  local mine = { n, "text" .. n }
  before[mine] = true
  local under = keep(n - 1)
  return under + mine[1] - n + #mine[2] - #("text" .. n)
end
for i = 1, 20 do keep(3) end
print(keep(40), select("#", all(1, 20, "kept" .. 4, { 1 }, 3.5, true, nil)))

-- A traceback in the middle of recursion, and an error through it.
local function deep(n, tag)
  local label = tag .. n
  if n == 0 then
    if tag == "trace" then return select(2, debug.traceback():gsub("\n", "")) end
    error("bottom " .. label)
  end
  local got = deep(n - 1, tag)
  return got, label
end
for i = 1, 20 do deep(5, "trace") end
print(deep(30, "trace"))
print(pcall(deep, 30, "error"))

-- In coroutines that are suspended while frames wait.
probe = function() end
local function walk(n, out)
  local here = { n }
  if n == 0 then coroutine.yield(#out) return 0 end
  out[#out + 1] = here
  local below = walk(n - 1, out)
  return below + here[1]
end
for i = 1, 5 do local c = coroutine.wrap(walk) c(5, {}) c() end
local threads = {}
for i = 1, 200 do
  threads[i] = coroutine.create(walk)
  coroutine.resume(threads[i], 10, {})
end
collectgarbage()
local total = 0
for i = 1, 200 do
  local ok, n = coroutine.resume(threads[i])
  total = total + n
end
print(total)

-- A hook that is set while frames wait.
local lines = 0
probe = function(x)
  if x == 4 then debug.sethook(function() lines = lines + 1 end, "l") end
  if x == 7 then debug.sethook() end
end
print(all(1, 10, "hook" .. 5, { 1 }, 0.5, true, nil))
print(lines > 10)
