-- Loops over elements of arrays, which may be done several elements at once: all lengths around a step, offsets within one array and
-- between arrays, one array under two names, holes, other kinds, special numbers, sums of integers that wrap, and polls.

local MAX = 70

-- One number for the contents of an array: exact, and the order counts.
local function digest(t, n)
  local h = n
  for i = 1, n do
    local v = t[i]
    local s = math.type(v) == "float" and string.format("%a", v) or tostring(v)
    for k = 1, #s do h = (h * 31 + s:byte(k)) % 1000000007 end
  end
  return h
end

local function floats(n, seed)
  local t = {}
  for i = 1, n do t[i] = ((i * 37 + seed * 11) % 101 - 50) / 8 end
  return t
end

local function integers(n, seed)
  local t = {}
  for i = 1, n do t[i] = (i * 0x9e3779b97f4a7c15 + seed) ~ (i << 40) end
  return t
end

-- Floats, element by element.
local function add(c, a, b, n) for i = 1, n do c[i] = a[i] + b[i] end end
local function axpy(y, x, k, n) for i = 1, n do y[i] = k * x[i] + y[i] end end
local function fill(a, k, n) for i = 1, n do a[i] = k end end
local function zero(a, n) for i = 1, n do a[i] = 0.0 end end
local function scale(a, s) for i = 1, #a do a[i] = a[i] * s end end
local function mixed(c, a, b, n) for i = 1, n do c[i] = (a[i] - b[i]) / (b[i] * b[i] + 1.5) end end
local function roots(a, n) for i = 1, n do a[i] = math.sqrt(a[i] * a[i]) - -a[i] end end
local function negated(c, a, n) for i = 1, n do c[i] = -a[i] end end
local function two(a, b, n) for i = 1, n do local x = a[i]; a[i] = b[i] + 1.0; b[i] = x - 2.0 end end
local function parts(a, b, from, to) for i = from, to do a[i] = a[i] + b[i] * 0.5 end end

local results = {}
for n = 0, MAX do
  local a, b, c = floats(n, 1), floats(n, 2), floats(n, 3)
  add(c, a, b, n)
  local h = digest(c, n)
  axpy(c, a, 0.1, n)
  h = h ~ digest(c, n)
  scale(a, 1.1)
  mixed(c, a, b, n)
  h = h ~ digest(c, n) * 3
  two(a, b, n)
  roots(b, n)
  negated(c, b, n)
  h = h ~ digest(a, n) ~ digest(b, n) * 5 ~ digest(c, n)
  parts(a, b, n // 3 + 1, n - n // 4)
  fill(b, n / 7, n)
  zero(c, n // 2)
  results[#results + 1] = (h ~ digest(a, n) ~ digest(b, n) * 7 ~ digest(c, n)) % 9973
end
print("floats", table.concat(results, " "))

-- Integers: they wrap.
local function iadd(c, a, b, n) for i = 1, n do c[i] = a[i] + b[i] - 7 end end
local function bits(a, k, n) for i = 1, n do a[i] = ((a[i] ~ k) & 0x7fffffffffffff55) | 3 end end
local function shifts(a, n) for i = 1, n do a[i] = (a[i] << 5) ~ (a[i] >> 13) end end
local function imul(a, b, n) for i = 1, n do a[i] = a[i] * b[i] + 12345 end end
local function complement(a, n) for i = 1, n do a[i] = ~a[i] - -a[i] end end
local function sum(a, n) local s = 0 for i = 1, n do s = s + a[i] end return s end
local function sum_of(a, b, k, n) local s = k for i = 1, n do s = s + (a[i] ~ b[i]) end return s end
local function all_bits(a, n)
  local x, y, z = 5, -1, 0
  for i = 1, n do
    x = x ~ a[i]
    y = y & (a[i] | 0xff)
    z = z | (a[i] >> 3)
  end
  return x, y, z
end

results = {}
for n = 0, MAX do
  local a, b, c = integers(n, 1), integers(n, 2), integers(n, 3)
  iadd(c, a, b, n)
  bits(a, 0x123456789abcdef, n)
  shifts(b, n)
  local x, y, z = all_bits(b, n)
  local h = digest(a, n) ~ digest(b, n) ~ digest(c, n) ~ x ~ y * 3 ~ z * 5
  imul(a, c, n)
  complement(c, n)
  h = h ~ digest(a, n) ~ digest(c, n) ~ sum(a, n) * 7 ~ sum_of(a, b, n, n)
  results[#results + 1] = h % 9973
end
print("integers", table.concat(results, " "))

-- Offsets within one array, and between two that may be one.
local function before(a, n) for i = 2, n do a[i] = a[i - 1] + 1.0 end end
local function behind(a, n) for i = 1, n - 1 do a[i] = a[i + 1] * 2.0 end end
local function far(a, n) for i = 9, n do a[i] = a[i - 8] + 0.25 end end
local function near(a, n) for i = 4, n do a[i] = a[i - 3] + 0.25 end end
local function down(c, a, n) for i = 2, n do c[i] = a[i - 1] - 1.5 end end
local function up(c, a, n) for i = 1, n - 1 do c[i] = a[i + 1] - 1.5 end end
local function moved(c, a, k, from, to) for i = from, to do c[i + k] = a[i] + 3.0 end end
local function both(a, b, n) for i = 2, n do a[i] = b[i]; b[i - 1] = a[i] * 2.0 end end
local function twice(a, n) for i = 2, n do a[i] = 1.5; a[i - 1] = 2.5 end end
local function smooth(c, a, n) for i = 2, n - 1 do c[i] = (a[i - 1] + a[i] + a[i + 1]) / 3 end end

results = {}
for n = 0, MAX do
  local h = 0
  for same = 1, 8 do
    local a = floats(n, 4)
    local c = same == 1 and a or floats(n, 5)
    down(c, a, n)
    up(c, a, n)
    smooth(c, a, n)
    both(c, a, n)
    h = h * 3 ~ digest(a, n) ~ digest(c, n)
    for k = -3, 3 do moved(c, a, k, 5, n - 5) end
    h = h * 3 ~ digest(a, n) ~ digest(c, n)
  end
  local a = floats(n, 6)
  before(a, n)
  h = h ~ digest(a, n)
  behind(a, n)
  h = h ~ digest(a, n) * 3
  far(a, n)
  near(a, n)
  h = h ~ digest(a, n) * 5
  twice(a, n)
  results[#results + 1] = (h ~ digest(a, n)) % 9973
end
print("offsets", table.concat(results, " "))

-- Special numbers. (Signs of what is no number are not shown.)
local specials = { 0.0, -0.0, 1 / 0, -1 / 0, 0 / 0, 1e308, -1e308, 5e-324, -5e-324, 1.5, 2 ^ 53, 0.1 }
local function quotients(c, a, b, n) for i = 1, n do c[i] = a[i] / b[i] + a[i] * b[i] - b[i] end end
do
  local a, b, c = {}, {}, {}
  for i = 1, #specials do
    for j = 1, #specials do
      a[#a + 1] = specials[i]
      b[#b + 1] = specials[j]
      c[#c + 1] = 0.0
    end
  end
  for k = 1, 6 do quotients(c, a, b, #a) end
  local out = {}
  for i = 1, #c do out[i] = c[i] ~= c[i] and "nan" or string.format("%a", c[i]) end
  print("specials", table.concat(out, " "))
end

-- Other kinds on the way: an integer among floats, a hole, a string, a table with methods; errors in the middle.
local function plus(c, a, b, n) for i = 1, n do c[i] = a[i] + b[i] end return c end
local function total(a, n) local s = 0 for i = 1, n do s = s + a[i] end return s end
local V = setmetatable({}, { __add = function(x, y) return (x == V and 100 or x) + (y == V and 1000 or y) end })
V = setmetatable({}, { __add = function(x, y)
  return (type(x) == "table" and 100.0 or x) + (type(y) == "table" and 1000.0 or y)
end })
for round = 1, 30 do
  plus(floats(40, 1), floats(40, 2), floats(40, 3), 40)
  total(integers(40, 1), 40)
end
local odd = { 7, "11", false, V }
for k = 1, #odd do
  for _, at in ipairs { 1, 2, 17, 39, 40 } do
    local a, b, c = floats(40, 1), floats(40, 2), floats(40, 3)
    local whole = integers(40, 7)
    a[at] = odd[k]
    whole[at] = k == 1 and 0.5 or odd[k]
    local ok, e = pcall(plus, c, a, b, 40)
    local fine, s = pcall(total, whole, 40)
    print(k, at, ok or e, digest(c, 40), fine, type(s) == "table" and "table" or s)
  end
end
for _, at in ipairs { 1, 2, 17, 39, 40 } do
  local a, b, c = floats(40, 1), floats(40, 2), floats(40, 3)
  b[at] = nil
  print("hole", at, pcall(plus, c, a, b, 40))
  setmetatable(b, { __index = function(_, i) return i * 0.5 end })
  print("filled", at, digest(plus(c, a, b, 40), 40))
end
do
  local log = {}
  local c = setmetatable({}, { __newindex = function(t, i, v) log[#log + 1] = i; rawset(t, i, v) end })
  plus(c, floats(40, 1), floats(40, 2), 40)
  print("new", #log, digest(c, 40))
  print("past", pcall(plus, {}, floats(40, 1), floats(40, 2), 41))
  print("append", digest(plus({}, floats(40, 1), floats(40, 2), 40), 40))
end

-- Loops that are stopped on the way: by hooks, by the collector, from a coroutine.
do
  local a, b = floats(4000, 1), floats(4000, 2)
  local seen = 0
  debug.sethook(function() seen = seen + 1 end, "", 1000)
  for k = 1, 5 do axpy(a, b, 0.5, 4000) end
  debug.sethook()
  print("hook", seen > 0, digest(a, 4000))
  local whole = integers(4000, 3)
  local co = coroutine.wrap(function()
    for k = 1, 5 do
      local t = {}
      for i = 1, 100 do t[i] = { i } end
      collectgarbage("step")
      coroutine.yield(sum(whole, 4000 - k))
    end
  end)
  print("sums", co(), co(), co(), co(), co())
end
