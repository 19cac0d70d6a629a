-- Iterators of generic loops that are always one function.
local function range(n, fail)
  local i = 0
  return function()
    i = i + 1
    if i == fail then error("at " .. i) end
    if i <= n then return i, i * 2 end
  end
end
local function sum(n, fail)
  local s = 0
  for a, b in range(n, fail) do s = s + a + b end
  return s
end
local total = 0
for i = 1, 200 do total = total + sum(i % 10) end
print(total, sum(1000))
print(pcall(sum, 50, 20))
print(select(2, xpcall(sum, debug.traceback, 50, 20)))

-- A state and a control variable; tables as state.
local function step(t, i) i = i + 1 local v = t[i] if v ~= nil then return i, v end end
local function each(t) return step, t, 0 end
local function add(t) local s = 0 for i, v in each(t) do s = s + i * v end return s end
local t = {5, 6, 7}
total = 0
for i = 1, 200 do t[4] = i % 3 == 0 and i or nil total = total + add(t) end
print(total)
local function count(s, k) if k < s.last then return k + s.step, s.step, k end end
local function counted(n)
  local x = 0
  for k, d, before in count, {last = n, step = 2}, 0 do x = x + k * d - before end
  return x
end
for i = 1, 100 do total = total + counted(i) end
print(total)

-- Other functions, things that are called, nothing.
local function over(f, s, c) local n = 0 for k in f, s, c do n = n + 1 end return n end
for _ = 1, 100 do over(step, t, 0) end
print(over(step, t, 0), over(next, {a = 1, b = 2}), over(setmetatable({n = 0}, {__call = function(o) o.n = o.n + 1 return o.n < 5 and o.n or nil end})))
print(pcall(over, nil))
print(pcall(over, 4))
-- Closed in the end.
local closed = 0
local function closing(n)
  return step, t, 0, setmetatable({}, {__close = function() closed = closed + 1 end})
end
local function with() local s = 0 for i, v in closing() do if i == 2 then break end s = s + v end return s end
for _ = 1, 100 do with() end
print(with(), closed)
-- Loops in loops, break, the variable captured in each iteration.
local function nested(n)
  local out = {}
  for a in range(n) do
    for b in range(a) do
      if b == 3 then break end
      out[#out + 1] = function() return a * 10 + b end
    end
  end
  local s = 0
  for _, f in ipairs(out) do s = s + f() end
  return s
end
for _ = 1, 50 do total = total + nested(4) end
print(total, nested(6))

-- Seen from inside.
local show = false
local function watched(n)
  local i = 0
  return function(s, c)
    i = i + 1
    if show and i == 3 then
      local info = debug.getinfo(1, "nSl")
      print(info.name, info.namewhat, info.currentline, s, c)
      print(debug.getlocal(2, 2))
      print(debug.getupvalue(debug.getinfo(1, "f").func, 1))
      debug.setupvalue(debug.getinfo(1, "f").func, 1, 8)
    end
    if i <= n then return i end
  end
end
local function watch(n) local s = 0 for i in watched(n) do s = s + i end return s end
for _ = 1, 100 do watch(5) end
show = true
print(watch(10))
show = false
print(watch(10))
-- Left and entered again.
local co = coroutine.wrap(function()
  local function it(s, i) if i % 10 == 9 then coroutine.yield(i) end if i < s then return i + 1 end end
  local x = 0
  for i in it, 40, 0 do x = x + i end
  return "end", x
end)
for _ = 1, 5 do print(co()) end
local function hooked(n)
  local s = 0
  for i in range(n) do
    if i % 40 == 0 then debug.sethook(function() end, "r") debug.sethook() end
    s = s + i
  end
  return s
end
print(hooked(50), hooked(200))
local function collecting(n)
  local parts = {}
  for i, twice in range(n) do
    if i % 50 == 0 then collectgarbage() end
    parts[i % 7 + 1] = "p" .. twice
  end
  return table.concat(parts, " ")
end
print(collecting(300))
-- Recursion through iterators ends as it does.
local function deep(n) for i in function(_, c) if not c then return deep(n + 1) end end do end end
local ok, e = pcall(deep, 1)
print(ok, (tostring(e):gsub("^.-: ", "")):sub(1, 20))
