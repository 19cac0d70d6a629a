-- string.unpack of one integer by a constant format: every order of bytes, size and sign, at every position; positions that
-- are not in the string, count from its end, or are no integers.
local short = "\1\2\3\4\250\251\252\253\254\255\128\127"
local long = short:rep(9)

local function sum(s, from, to)
  local n = 0
  for i = from, to do
    n = n + string.unpack("B", s, i) - string.unpack("b", s, i)
    n = n * 3 ~ string.unpack(">I2", s, i) ~ string.unpack("<I2", s, i)
    n = n * 5 ~ string.unpack(">i2", s, i) ~ string.unpack("<h", s, i) ~ string.unpack(">H", s, i)
    n = n * 7 ~ string.unpack(">I4", s, i) ~ string.unpack("<I4", s, i)
    n = n * 9 ~ string.unpack(">i4", s, i) ~ string.unpack("=i", s, i)
    n = n * 11 ~ string.unpack(">I8", s, i) ~ string.unpack("<i8", s, i)
    n = n * 13 ~ string.unpack(">j", s, i) ~ string.unpack("j", s, i) ~ string.unpack(">I3", s, i)
  end
  return n
end
for _ = 1, 20 do sum(short, 1, #short - 7) end
print(sum(short, 1, #short - 7), sum(long, 1, #long - 7), sum(long, 3, 70))

local function words(s, i)
  local w = string.unpack(">I4", s, i)
  return w
end
local function first(s)
  local w = string.unpack("<i4", s)
  return w
end
for _ = 1, 20 do words(long, 5); first(long) end
for i = 1, #short - 3 do print(i, words(short, i), words(long, i + 12)) end
for i = -1, -#short, -1 do print(i, pcall(words, short, i)) end
for _, i in ipairs { 0, #short - 2, #short, #short + 1, #short + 2, math.maxinteger, math.mininteger, 2.0, "3" } do
  print(i, pcall(words, short, i))
end
print(pcall(words, short, 2.5))
print(pcall(words, short, nil))
print(pcall(words, 1234567, 2))
print(pcall(words, nil, 2))
print(first(short), first(long), pcall(first, "abc"), pcall(first, 12345))

-- The format is one constant or another, or the function is replaced.
local function either(s, which, i)
  local w = string.unpack(which and ">I4" or "<I4", s, i)
  return w
end
for i = 1, 20 do either(short, i % 2 == 0, 3) end
print(either(short, true, 3), either(short, false, 3))
local unpack = string.unpack
string.unpack = function(...) return select("#", ...), ... end
print(words(short, 3))
string.unpack = unpack
print(words(short, 3))
