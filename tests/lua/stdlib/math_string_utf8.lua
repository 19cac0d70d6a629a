-- math, utf8 and the simple string functions on edge values; arithmetic on strings; number text.
local function text(v) return ((type(v) == "table" or type(v) == "function") and type(v) or tostring(v):gsub("%-nan", "nan")) end
local function print(...)
  local t = table.pack(...)
  for i = 1, t.n do t[i] = text(t[i]) end
  io.write(table.concat(t, "\t"), "\n")
end
local function try(f, ...) print(pcall(f, ...)) end
-- math
for _, f in ipairs{"abs","ceil","floor","sqrt","sin","cos","tan","asin","acos","exp","log","deg","rad","tointeger","type","modf","frexp","log10","sinh","cosh","tanh"} do
  for _, v in ipairs{0, 1, -1, 2.5, -2.5, 3.0, -0.0, 1e100, -1e100, math.huge, -math.huge, 0/0, math.maxinteger, math.mininteger, 2^53, 2^63, -2^63, "10", "0x1p4", "abc", {}, true} do
    try(math[f], v)
  end
  try(math[f])
end
for _, a in ipairs{7, -7, 7.5, -7.5, 0, 1e300, math.mininteger, math.huge, 0/0, "5"} do
  for _, b in ipairs{2, -2, 2.5, -3.0, 0, 0.0, -1, math.huge, math.maxinteger, "3", "x"} do
    print(a, b) try(math.fmod, a, b) try(math.max, a, b) try(math.min, a, b) try(math.ult, a, b) try(math.pow, a, b) try(math.log, a, b) try(math.ldexp, a, b)
  end
end
try(math.max) try(math.min) try(math.max, 1, {}) try(math.max, 1) try(math.max, {}) try(math.max, 3, 2.5, 10, 7) try(math.min, 3, 2.5, 10, 7) try(math.fmod, 1)
print(math.pi, math.huge, -math.huge, math.maxinteger, math.mininteger)
for _, s in ipairs{42, -1, 0, 123456789012, math.mininteger, 3.0} do
  print(math.randomseed(s))
  for i = 1, 20 do io.write(math.random(0), " ", math.random(10), " ", math.random(), " ", math.random(-5, 5), " ", math.random(math.mininteger, math.maxinteger), " ", math.random(3, 2^53|0), " ") end print()
end
print(math.randomseed(1, 2), math.random(100)) try(math.random, 0, -1) try(math.random, 2, 1) try(math.random, 1, 2, 3) try(math.random, 1.5) try(math.random, "x") try(math.randomseed, "x") try(math.randomseed, 2^70) try(math.randomseed, 1, 1.5)
print(select("#", math.randomseed()))
-- utf8
for _, s in ipairs{"", "abc", "aé€𐍈", "\xff", "a\x80b", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xfd\xbf\xbf\xbf\xbf\xbf", "é", "\x80\x80a", "日本語", "\xe6\x97", "\0\0", "x\xe9"} do
  print(("%q"):format(s))
  try(utf8.len, s) try(utf8.len, s, 1, -1, true) try(utf8.codepoint, s, 1, -1) try(utf8.codepoint, s, 1, -1, true)
  for i = -4, 5 do try(utf8.offset, s, i) try(utf8.offset, s, i, 2) try(utf8.offset, s, i, -1) try(utf8.len, s, i) try(utf8.len, s, 1, i) try(utf8.codepoint, s, i) try(utf8.codepoint, s, i, i + 1) end
  try(function() for p, c in utf8.codes(s) do io.write(p, ":", c, " ") end print() end)
  try(function() for p, c in utf8.codes(s, true) do io.write(p, ":", c, " ") end print() end)
  for c in s:gmatch(utf8.charpattern) do io.write(#c, " ") end print()
end
for _, c in ipairs{0, 65, 127, 128, 2047, 2048, 65535, 65536, 0x10ffff, 0x110000, 0x1fffff, 0x200000, 0x3ffffff, 0x4000000, 0x7fffffff, 0x80000000, -1, "65", 1.5, "x"} do try(function() return (("%q"):format(utf8.char(c))) end) end
print(utf8.char(), utf8.char(72, 228, 8364, 0x10348)) try(utf8.char, 1, {}) try(utf8.codes) try(utf8.codes, 5) try(utf8.len) try(utf8.offset, "x") try(utf8.offset, "x", "y")
local f, s, i = utf8.codes("aé") print(f(s, i)) print(f(s, 1)) print(f(s, 2)) print(f(s, 3)) print(f(s, -1)) print(f(s, 100)) try(f) try(f, {}, 1) print(pcall(f, "abc", "x"))
-- string basics
for _, s in ipairs{"", "a", "hello", "a\0b"} do
  for i = -7, 7 do io.write(("%q"):format(s:sub(i)), " ", ("%q"):format(s:sub(i, -2)), " ", ("%q"):format(s:sub(i, 3)), " ", table.concat({s:byte(i)}, ","), " ", table.concat({s:byte(i, -1)}, ","), ";") end print()
  print(#s, s:len(), s:upper(), s:lower(), s:reverse(), s:rep(3), s:rep(3, ", "), s:rep(0), s:rep(-1), s:rep(1, "x"))
end
try(("x"):rep(0).rep) try(string.rep, "x", 1 << 40) try(string.rep, "ab", 1 << 31) try(string.rep, "", 10, "ab") try(string.rep, "x", 2^31) try(string.rep, "x", "y")
try(string.sub) try(string.sub, "x") try(string.sub, "x", {}) try(string.sub, "hello", math.mininteger, math.maxinteger) try(string.sub, "hello", 2.0, "4") try(string.sub, "hello", 2.5)
try(string.char) try(string.char, 65, 66, "67") try(string.char, 256) try(string.char, -1) try(string.char, 65, {}) try(string.char, 1.5) try(string.byte, "a", {}) try(string.byte) try(string.byte, ("x"):rep(1e6), 1, -1) try(string.byte, 10) try(string.len, 123) try(string.upper, 1.5) try(string.reverse) try(string.lower, {})
try(string.dump, io.write) try(string.dump, 1) try(string.dump) print(load(string.dump(function(...) local a <const> = 3 return a + select("#", ...) end))(1, 2)) print(load(string.dump(load("return ...", "=x"), true))("y"))
-- arithmetic on strings
for _, f in ipairs{function(a, b) return a + b end, function(a, b) return a - b end, function(a, b) return a * b end, function(a, b) return a / b end, function(a, b) return a % b end, function(a, b) return a ^ b end, function(a, b) return a // b end, function(a) return -a end, function(a, b) return a & b end, function(a, b) return a .. b end, function(a, b) return a < b end, function(a, b) return a << b end, function(a) return ~a end} do
  for _, p in ipairs{{"10", 2}, {10, "3"}, {"0x10", "1e1"}, {"abc", 1}, {1, "abc"}, {"1", {}}, {{}, "1"}, {" 5 ", "0x.8"}, {"9223372036854775807", 1}, {"9223372036854775808", 1}, {"10", 0}, {"1.5", "2"}, {nil, "1"}, {"x", nil}, {"", 1}, {"1 2", 1}, {"inf", 1}, {"nan", 1}, {"1e", 1}, {"-0", 1}, {"- 1", 1}, {true, "1"}, {"a", print}} do try(f, p[1], p[2]) end
end
local mt = {__add = function(a, b) return "add" end, __unm = function(a) return "unm" end, __concat = function() return "cat" end, __idiv = function(...) return select("#", ...) end}
local o = setmetatable({}, mt)
try(function() return "abc" + o end) try(function() return o + "abc" end) try(function() return "10" + o end) try(function() return "x" // o end) try(function() return "x" * o end) try(function() return "x" .. o end)
try(getmetatable("").__add, "1", "2") try(getmetatable("").__add, "1") try(getmetatable("").__add) try(getmetatable("").__unm, "3") try(getmetatable("").__index.len, "abc") print(getmetatable("").__name, getmetatable("").__index == string)
print(("x"):rep(3), ("%d"):format(3.0), #"abc", ("abc"):len())
for _, s in ipairs{"0x", "1e1", "0x1p-2", "1e+", "  12  ", "0x12.8", "1_0", "٣", "1e308", "1e309", "-1e309", "0x7fffffffffffffff", "0x8000000000000000", "0xffffffffffffffffff", "-9223372036854775808", "-9223372036854775809", "1.", ".5", ".", "5.e1", "0b1", "1\0", "\t1\n", "1e5000", "0x1e5", "1f", "infinity"} do print(s:gsub("%c", "?"), tonumber(s), math.type(tonumber(s))) end
for _, v in ipairs{1e15, 1e14, 123456789012345, 1e16, 0.1, 1/3, 100, -0.0, 1e-10, 2^63, -2^63, 2^53, 1e100, 5e-324, 1.7976931348623157e308, 3.14159265358979, 1e5, 123456.789e3, 99999999999999.9, 999999999999999.9, 0/0, -(0/0), 1/0} do if v == v then print(v, tostring(v), v .. "", ("%.14g"):format(v), ("%.17g"):format(v), ("%5.1f|%-10.3e|%+g"):format(v, v, v)) end end
