-- Remainders and quotients of numbers that are known to be below twice or four times the divisor: counters that go round, sums of remainders.
local function ring(n)
  local at, turns, seen = 0, 0, 0
  for i = 1, n do
    at = (at + 1) % 17
    turns = turns + (at + 5) // 17
    seen = seen * 31 + at & 0xffffff
  end
  return at, turns, seen
end
local function sums(n, s)
  for i = 1, n do s = (s * 3 + i % 1000) % 65521 end
  return s
end
local function adler(text)
  local a, b = 1, 0
  for i = 1, #text do
    a = (a + text:byte(i)) % 65521
    b = (b + a) % 65521
  end
  return b << 16 | a
end
local function mixed(n)
  local x, out = 0, 0
  for i = 1, n do
    local low = i & 127
    x = x + low % 100 + low % 64 + low % 33 + low % 32 + low % 43 + low // 100 + low // 64 + low // 127 + low // 128
    out = out ~ (x << (low % 50))
  end
  return x, out
end
local function times(n)
  local a, b, c = 0, 0, 0
  for i = 1, n do
    a, b, c = (a + b + 1) % 1000003, (b * 2 + c + i % 7) % 1000003, (a + b + c) % 999
  end
  return a, b, c
end
local text = {}
for i = 0, 999 do text[#text + 1] = string.char(i * 37 % 256) end
text = table.concat(text)
for round = 1, 30 do
  local r1, r2, r3 = ring(round * 10)
  local results = table.concat({ r1, r2, r3, sums(round * 7, round), sums(9, -round), adler(text:sub(round)), mixed(round * 13) }, " ")
  if round % 6 == 0 then print(results, times(round * 5)) end
end
print(sums(10000, 65520), sums(10000, math.maxinteger), sums(10000, math.mininteger), ring(100000))
print(adler(text:rep(50)), adler(("\255"):rep(9000)), mixed(100000))
print(times(100000))
