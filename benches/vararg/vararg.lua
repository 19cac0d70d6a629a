-- Variable arguments and multiple results: select, table.pack/unpack, forwarding, and adjustment.
local N = tonumber(arg[1] or 600000)
local unpack = table.unpack or unpack

local function sum(...)
  local s = 0
  for i = 1, select("#", ...) do s = s + (select(i, ...)) end
  return s
end

local function collect(...)
  local t = { ... }
  return #t, t
end

local function rotate(first, ...) return ..., first end

local function forward(f, ...) return f(...) end

local function reverse(n, first, ...)
  if n <= 1 then return first end
  return (reverse(n - 1, ...)) * 3 + first
end

local function minmax(a, b, c)
  local lo, hi = a, a
  if b < lo then lo = b elseif b > hi then hi = b end
  if c < lo then lo = c elseif c > hi then hi = c end
  return lo, hi
end

local h = 0
local five = { 1, 2, 3, 4, 5 }
for i = 1, N do
  local n, t = collect(i, i + 1, i + 2, i + 3)
  local lo, hi = minmax(i % 3, forward(rotate, i % 7, i % 11))
  local a, b = rotate(i % 5, 2)
  five[i % 5 + 1] = i % 100
  h = (h * 31 + sum(unpack(t)) + n + lo + hi + a * b + forward(sum, unpack(five)) + reverse(4, i, 2, 3, i % 9)) % 1000003
end
print(string.format("vararg %d", h))
