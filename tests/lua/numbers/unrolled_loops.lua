-- Loops of which several iterations are one: odd numbers of iterations, ways out in each copy, values that move on, errors and hooks inside.
local function fib(n) local a, b = 0, 1 for _ = 1, n do a, b = b, a + b end return a, b end
for n = 0, 20 do io.write(fib(n), " ") end print(fib(90))

-- Chains and cycles of several lengths, of numbers, floats and tables.
local function turn(n)
  local a, b, c, d, e = 1, 2, 3, 4, 5
  for i = 1, n do a, b, c, d, e = b, c, d, e, a ~ i end
  return a, b, c, d, e
end
local function cycle(n, a, b, c) for _ = 1, n do a, b, c = b, c, a end return a, b, c end
for n = 0, 17 do print(n, turn(n)) print(cycle(n, 1, 2.5, "x")) end
local function mixed(n) local a, b, c = 0.5, 1.5, {} for i = 1, n do a, b = b, a * 0.5 + i c[i & 3] = a end return a, b, c[1] end
for n = 0, 9 do print(mixed(n)) end

-- Steps, ends and counters at the limits of integers.
local function steps(from, to, by)
  local a, b, n = 1, 1, 0
  for i = from, to, by do a, b, n = b, a + i, n + 1 end
  return a, b, n
end
for _, s in ipairs { { 1, 10, 3 }, { 10, 1, -3 }, { 10, -11, -1 }, { 5, 4, 1 }, { 4, 5, -1 }, { math.maxinteger - 5, math.maxinteger, 1 },
  { math.maxinteger - 5, math.maxinteger, 4 }, { math.mininteger + 6, math.mininteger, -1 }, { math.mininteger + 6, math.mininteger, -5 },
  { 1, 7, math.maxinteger } } do
  print(s[1], s[2], s[3], steps(s[1], s[2], s[3]))
end

-- Breaks, continues, returns out of the middle.
local function search(t, what)
  local before, now = nil, nil
  for i = 1, #t do
    before, now = now, t[i]
    if now == what then return i, before end
    if now < 0 then goto continue end
    if now > 90 then break end
    t[i] = now + 0
    ::continue::
  end
  return before, now
end
local t = {}
for i = 1, 13 do t[i] = i * 7 % 31 - 3 end
for what = -3, 30 do io.write(tostring(search(t, what)), ",", tostring((select(2, search(t, what)))), " ") end print()
t[6] = 95 print(search(t, 1000))

-- While and repeat.
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end
local function collatz(n) local k, last = 0, 0 repeat last, n = n, n % 2 == 0 and n // 2 or 3 * n + 1 k = k + 1 until n == 1 return k, last end
local s = 0
for i = 1, 60 do for j = 1, 20 do s = s * 3 + gcd(i, j) & 0xffffff end end
print(s, collatz(27), collatz(97))

-- What one iteration stores, one of the next loads; also beyond the end, as something else, and longer than a word.
local function extend(w, n)
  for i = 5, n do
    local x, y = w[i - 4], w[i - 2]
    local r = ((x >> 7 | x << 25) & 0xffffffff) ~ ((x >> 18 | x << 14) & 0xffffffff)
    local q = ((y >> 17 | y << 15) & 0xffffffff) ~ ((y >> 19 | y << 13) & 0xffffffff)
    w[i] = (w[i - 3] + r + q + w[i - 1]) & 0xffffffff
  end
  local h = 0
  for i = 1, n do h = h * 31 + (w[i] or 0) end
  return h
end
for n = 4, 29 do io.write(extend({ 1, 2, 0xffffffff, 4 }, n), " ") end print()
print(extend({ 1 << 40, 2, -1, 4 }, 21), pcall(extend, { 1, 2, "x", 4 }, 21))
local proxy = setmetatable({ 1, 2, 3, 4 }, { __newindex = function(p, k, v) rawset(p, k, v + 1) end })
print(extend(proxy, 23))
local sums = setmetatable({}, { __index = function(_, k) return k end })
local function sum(p, n) local a, b = 0, 0 for i = 1, n do a, b = b, a + p[i] end return a, b end
print(sum({ 1, 2, 3, 4, 5, 6, 7 }, 7), sum(sums, 11), pcall(sum, { 1, 2, 3 }, 4), pcall(sum, { 1, 2, {} }, 3))

-- The error says where, with the variables of that iteration.
local function fails(n, at)
  local a, b, c = 1, 2, 3
  for i = 1, n do
    a, b, c = b, c, a + i
    if i == at then error({ a, b, c, i }) end
  end
  return a, b, c
end
for at = 1, 9 do local ok, e = pcall(fails, 9, at) print(ok, e[1], e[2], e[3], e[4]) end
print(fails(9, 0))

-- Numbers that become floats, or strings, in the middle.
local function grows(n, x) local a, b = x, 1 for i = 1, n do a, b = b, a + (i == n - 2 and 0.5 or 1) end return a, b end
for n = 1, 9 do print(n, grows(n, 3), grows(n, 2.5), pcall(grows, n, "4")) end

-- Functions of three numbers, bit by bit.
local function bits(n)
  local a, b, c, d, e, f = 0x6a09e667, 0xbb67ae85, 0x3c6ef372, -1, math.mininteger, 5
  local s = 0
  for i = 1, n do
    s = s + (a & b ~ a & c ~ b & c) ~ (a & b | ~a & d) + (e & f | d & f | e & d) - (~e & b ~ e & c) ~ (b & a | c & a | c & b)
    s = s ~ (a & b ~ a & a ~ b & a) ~ (a & b | ~b & d) ~ (~a & ~b | a & d)
    a, b, c, d, e, f = s, a, b, c, d ~ i, e
  end
  return s
end
for n = 1, 10 do io.write(bits(n), " ") end print(bits(333))

-- Hooks: by count and line, that look at and change locals; set from inside by a metamethod.
local function watched(n)
  local a, b, c = 1, 2, 3
  for i = 1, n do
    a, b, c = b, c, a + i
  end
  return a, b, c
end
local seen = 0
debug.sethook(function()
  local k = 1
  while true do
    local name, v = debug.getlocal(2, k)
    if not name then break end
    if type(v) == "number" and #name == 1 then seen = (seen * 7 + v) & 0xffff end
    k = k + 1
  end
end, "l")
local r1, r2, r3 = watched(11)
debug.sethook()
print(r1, r2, r3, seen)
local function sethook_inside(n, p)
  local a, b, lines = 1, 2, 0
  for i = 1, n do
    a, b = b, a + p[i]
  end
  return a, b
end
local lines = 0
local setter = setmetatable({ 1, 2, 3, 4 }, { __index = function(_, k)
  if k == 7 then debug.sethook(function() lines = lines + 1 end, "l") end
  return k
end })
local x, y = sethook_inside(12, setter)
debug.sethook()
print(x, y, lines)
local changed = 0
debug.sethook(function()
  for k = 1, 9 do
    local name = debug.getlocal(2, k)
    if name == "b" then debug.setlocal(2, k, 100) changed = changed + 1 end
  end
end, "", 40)
local u, v, w = watched(200)
debug.sethook()
print(changed > 3, math.type(u), math.type(v), math.type(w))

-- Coroutines leave in the middle.
local function yields(n) local a, b = 0, 1 for i = 1, n do a, b = b, a + b if i % 3 == 0 then coroutine.yield(a) end end return b end
local co = coroutine.wrap(yields)
for _ = 1, 7 do io.write(tostring(co(20)), " ") end print()
