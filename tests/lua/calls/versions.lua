-- Functions called with arguments of several kinds, each known where it is called.

-- Too large to be in line: integers here, floats there, strings that are numbers now and then.
local function horner(x, a, b, c, n)
  local sum = 0 * x
  for i = 1, n do
    sum = sum + ((a * x + b) * x + c)
    if sum > 1000000 then sum = sum - 1000000 end
    if sum < -1000000 then sum = sum + 1000000 end
    x = x + a
    if i % 7 == 0 then b = b - a elseif i % 5 == 0 then c = c + a end
  end
  return sum, x, i
end
local ints, floats, mixed = 0, 0.0, 0
for k = 1, 600 do
  ints = ints + horner(k, 3, 2, 1, 9)
  floats = floats + horner(k / 2, 0.5, 0.25, 1.5, 9)
  mixed = mixed + horner(k, 0.5, 2, 1.5, 5)
end
print(ints, floats, mixed, math.type(ints), math.type(mixed))
print(horner("3", 1, "2", 3, 4))
print(pcall(horner, {}, 1, 2, 3, 4))
print(horner(math.maxinteger, 1, 2, 3, 4))

-- Recursion that stays in its version, and one that changes it half way.
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
print(fib(20), fib(20.0), fib(2), fib(1.5), fib("7" + 0))
local function halve(x, depth)
  if depth == 0 then return x, math.type(x) end
  local a, b, c, d = x * 2, x * 3, x * 4, x * 5
  if a + b + c + d == 7 then return a, b end
  if a - b + c - d == 9 then return c, d end
  if a * b == 11 then return a, d end
  if depth % 2 == 0 then return halve(x // 2, depth - 1) end
  local r, t = halve(x / 2, depth - 1)
  return r, t
end
for k = 1, 300 do
  local r, t = halve(k * 1024, 8)
  if k % 100 == 0 then print(r, t, halve(k, 1), halve(k + 0.5, 2)) end
end

-- Arguments that are there or not.
local function join(list, sep, first)
  local out, n = "", #list
  first = first or 1
  if sep then
    for i = first, n do
      out = out .. list[i]
      if i < n then out = out .. sep end
      if #out > 200 then out = out:sub(-100) end
      if out == "x" then out = "" elseif out == "y" then out = "z" end
    end
  else
    for i = first, n do
      out = out .. list[i]
      if #out > 200 then out = out:sub(-100) end
    end
  end
  return out
end
local letters, length = { "a", "b", "c" }, 0
for _ = 1, 900 do
  length = length + #join(letters, nil, nil) + #join(letters, ", ", nil) + #join(letters, "", 2)
end
print(length, join(letters, nil, nil), join(letters, "-", 2), join(letters), join({}, false, 1))
print(pcall(join, letters, {}, 1))

-- Others call it: by a table, with fewer and more arguments, by pcall and as a coroutine.
local M = {}
function M.weight(x, y, scale)
  local w = x * 2 - y
  if scale then w = w * scale end
  for i = 1, 3 do
    w = w + i * x
    if w > 100000 then w = w - 99999 end
    if w < -100000 then w = w + 99999 end
    if w == 77 then w = 78 elseif w == 79 then w = 80 end
  end
  return w
end
local weight = M.weight
local total = 0
for k = 1, 1000 do
  total = total + weight(k, 1, nil) + weight(k + 0.5, 1.5, 2.5) + M.weight(k, 2, 3)
end
print(total, weight(1, 2), weight(1, 2, 3, 4), select("#", weight(1.0, 2)))
print(pcall(weight, 1), coroutine.wrap(weight)(4, 5), coroutine.wrap(weight)(4.5, 5, 2))

-- Who looks sees one function: its name, arguments and lines.
local function where(x, y)
  local t = { x, y }
  for i = 1, 2 do
    t[i] = t[i] and t[i] + 1
    if t[i] == 5 then
      local info = debug.getinfo(1, "Slnu")
      local n1, v1 = debug.getlocal(1, 1)
      local n2, v2 = debug.getlocal(1, 2)
      print(info.name, info.currentline - info.linedefined, info.nparams, n1, v1, n2, v2)
      debug.setlocal(1, 1, "changed")
    end
    if t[i] == 99 then t[i] = 0 elseif t[i] == 98 then t[i] = 1 elseif t[i] == 97 then t[i] = 2 end
  end
  return x, y, t[1], t[2]
end
for k = 1, 1200 do
  where(k + 10, k + 20)
  where(k + 10.5, k + 20.5)
  where(k + 10, nil)
end
print(where(4, 1))
print(where(4.0, 1.0))
print(where(4, nil))
print(where(1, 4))
local function fails(x, n)
  local s = 0
  for i = 1, n do
    s = s + x
    if s == -1 then s = 0 elseif s == -2 then s = 1 elseif s == -3 then s = 2 end
    if i == 40 then error("at " .. s) end
    if s == -4 then s = 0 elseif s == -5 then s = 1 elseif s == -6 then s = 2 end
  end
  return s
end
for k = 1, 2500 do fails(k, 2) fails(k / 4, 2) end
print(pcall(fails, 2, 50))
print(pcall(fails, 2.5, 50))
print(select(2, xpcall(function() return fails(2, 50) end, debug.traceback)))
print(select(2, xpcall(function() local r = fails(0.5, 50) return r end, debug.traceback)))

-- Objects that are not made, and closures, within versions.
local function distance(x, y, steps)
  local p = { x = x, y = y }
  local function move(dx) p.x = p.x + dx p.y = p.y - dx end
  for i = 1, steps do
    move(i)
    if p.x > p.y * 3 then p = { x = p.y, y = p.x } end
    if i % 16 == 15 then collectgarbage("step") end
  end
  return p.x * p.x + p.y * p.y
end
local d = 0
for k = 1, 1000 do d = d + distance(k, 2, 4) + distance(k / 2, 0.5, 4) end
print(d, distance(1, 2, 40), distance(1.5, 2, 40))

-- A captured variable that is assigned once, until somebody changes it while a version runs.
local factor = 3
local function each(n, change)
  if n == 7 and change then
    for k = 1, 9 do
      local name = debug.getupvalue(change, k)
      if name == "factor" then debug.setupvalue(change, k, 5) end
    end
  end
end
local function scaled(x, n, change)
  local s = x - x
  for i = 1, n do
    s = s + x * factor
    if s == -1 then s = 0 elseif s == -2 then s = 1 elseif s == -3 then s = 2 end
    each(i, change)
    if s == -4 then s = 0 elseif s == -5 then s = 1 elseif s == -6 then s = 2 end
  end
  return s
end
for k = 1, 2500 do scaled(k, 2, nil) scaled(k / 4, 2, nil) end
print(scaled(2, 6, nil), scaled(0.5, 6, nil), scaled(2, 10, scaled), scaled(0.5, 10, scaled), scaled(2, 10, nil))
