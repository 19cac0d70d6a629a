-- Rotations of one number put together, sums in any order, in loops whose length is known: several iterations at once, and what is left.
local function rotr(x, n) return (x >> n | x << (32 - n)) & 0xFFFFFFFF end
local function rotr64(x, n) return x >> n | x << (64 - n) end

local function mix(x)
  local y = rotr(x, 2) ~ rotr(x, 13) ~ rotr(x, 22)
  local z = rotr64(x, 1) ~ rotr64(x, 8) ~ rotr64(x, 61)
  return y, z, rotr(x, 6) ~ rotr(x, 6), rotr(x, 31) ~ rotr(x, 1) ~ x
end
for round = 1, 3 do
  for _, x in ipairs { 0, 1, 0x80000000, 0xFFFFFFFF, 0x123456789abcdef0, -1, math.mininteger, 0x100000000 } do
    local y, z, none, w = mix(x)
    if round == 3 then print(x, y, z, none, w) end
  end
end

-- Like the extension of SHA-256's message. Words that have more than 32 bits, or are no integers, come late.
local function extend(w, from, to)
  for i = from, to do
    local x, y = w[i - 15], w[i - 2]
    local s0 = rotr(x, 7) ~ rotr(x, 18) ~ (x >> 3)
    local s1 = rotr(y, 17) ~ rotr(y, 19) ~ (y >> 10)
    w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & 0xFFFFFFFF
  end
  return w
end
local function block(k, last)
  local w = {}
  for i = 1, 16 do w[i] = (i * 0x9E3779B9 ~ k) & 0xFFFFFFFF end
  return extend(w, 17, last or 64)
end
local total = 0
for k = 1, 200 do for _, x in ipairs(block(k)) do total = total * 31 + x & 0xFFFFFFFFFFFF end end
print(total)
for last = 16, 50 do io.write(block(last, last)[last], " ") end print()
for where = 1, 16 do
  local w = block(where)
  w[where] = w[where] | where << 40
  if where > 13 then w[where] = -w[where] end
  extend(w, 17, 64)
  io.write(w[64], " ", w[33], " ")
end
print()
for _, bad in ipairs { 3.0, 2^40, "16", 0.5, false, {} } do
  local w = block(7)
  w[9] = bad
  local ok, message = pcall(extend, w, 17, 64)
  print(ok, ok and w[64] or message, w[23], w[25])
end

-- Rounds: numbers that move on, four of them at a time.
local function rounds(w, n, a, b, c, d, e, f, g, h)
  for i = 1, n do
    local s1 = rotr(e, 6) ~ rotr(e, 11) ~ rotr(e, 25)
    local t1 = h + s1 + ((e & f) ~ (~e & g)) + w[i]
    local s0 = rotr(a, 2) ~ rotr(a, 13) ~ rotr(a, 22)
    local t2 = s0 + ((a & b) ~ (a & c) ~ (b & c))
    h, g, f, e = g, f, e, (d + t1) & 0xFFFFFFFF
    d, c, b, a = c, b, a, (t1 + t2) & 0xFFFFFFFF
  end
  return a ~ b << 3 ~ c << 5 ~ d, e ~ f << 7 ~ g ~ h << 9
end
local w = block(99)
for n = 0, 64 do io.write(string.format("%x,%x ", rounds(w, n, 1, 2, 3, 4, 5, 6, 7, 8))) end print()
print(rounds(w, 64, -1, 2 ^ 31 | 0, 3, 4, -5, 6, math.maxinteger, 8))
print(pcall(rounds, w, 65, 1, 2, 3, 4, 5, 6, 7, 8))
w[40] = 2 ^ 53
print(rounds(w, 64, 1, 2, 3, 4, 5, 6, 7, 8))

-- Loops that call small functions look for no work: a hook that is set in between still counts what is behind.
local lines = 0
local function many(n) local s = 0 for i = 1, n do s = s + rotr(i, 3) end return s end
print(many(1000))
debug.sethook(function() lines = lines + 1 end, "l")
many(20)
debug.sethook()
print(lines > 20)

-- Functions that the calls in a loop lead to change, make garbage and set hooks.
local calls = 0
local f = rotr
local function through(n) local s = 0 for i = 1, n do s = s + f(i, 5) end return s end
print(through(100))
f = function(x, n) if x == 50 then debug.sethook(function() calls = calls + 1 end, "c") end return x + n end
print(through(100))
debug.sethook()
print(calls > 40)
local freed = false
f = function(x) setmetatable({}, { __gc = function() freed = true end }) if x == 900 then collectgarbage() end return x end
print(through(1000), freed)
