-- string.pack, packsize, unpack: every format, endianness, alignment, errors.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local function hex(s) return (s:gsub(".", function(c) return ("%02x"):format(c:byte()) end)) end
local function rt(fmt, ...) local s = string.pack(fmt, ...) print(fmt, hex(s), string.unpack(fmt, s)) end
rt("b", -1) rt("B", 255) rt("h", -2) rt("H", 65535) rt("i", -3) rt("I", 4294967295) rt("l", -4) rt("L", 5) rt("j", math.mininteger) rt("J", 7) rt("T", 8)
for i = 1, 16 do rt("<i" .. i, -i) rt(">I" .. i, i) end
rt("<f", 1.5) rt(">f", -0.1) rt("<d", 3.25) rt(">d", 1e300) rt("n", 0.5) rt("<d", 1 / 0) rt("z", "zero terminated") rt("s1", "short") rt("s2", "two") rt("<s4", "four") rt(">s", "eight") rt("c5", "abc") rt("c3", "xyz")
rt("<i2 >i2 =i2", 1, 1, 1) rt("<!4 i1 i4", 1, 2) rt("<!8 b d", 1, 2.0) rt("!2 b i4", 1, 2) rt("<b Xi4 i4", 1, 2) rt("<!4 b Xi4 b", 1, 2) rt("bxb", 1, 2) rt("  b   b ", 1, 2) rt("", nil) rt("z z", "a", "") rt("!1 b i8", 1, 2) rt("<! b i8", 1, 2)
for _, f in ipairs { "b", "i4", "!8 b i8", "c10", "j", "n", "d f", "<!4 i1 i4", "i7", "xxx", "" } do print(f, string.packsize(f)) end
for _, f in ipairs { "z", "s", "s1", "i0", "i17", "I99", "!3 i4", "c", "q", "!17", "Xz", "X", "c2147483648", "i", "!0", "d2", "<>" } do print(f, pcall(string.packsize, f)) end
for _, a in ipairs { { "b", 128 }, { "B", 256 }, { "B", -1 }, { "i1", -129 }, { "I2", 65536 }, { "c2", "abc" }, { "z", "a\0b" }, { "s1", ("x"):rep(256) }, { "i", "x" }, { "i", 1.5 }, { "z" }, { "d", "x" }, { "i16", 1 }, { "I16", -1 }, { "i", "12" }, { 1 } } do print(a[1], pcall(function() return hex(string.pack(table.unpack(a))) end)) end
print(try(string.unpack, "i4", "abc")) print(try(string.unpack, "z", "abc")) print(try(string.unpack, "s1", "\5ab")) print(try(string.unpack, "i9", ("\255"):rep(8) .. "\1")) print(string.unpack("i9", ("\255"):rep(9))) print(try(string.unpack, "<I16", ("\1"):rep(16)))
print(string.unpack("b", "abc", 2), string.unpack("b", "abc", -1), try(string.unpack, "b", "abc", 4), try(string.unpack, "b", "abc", 5), string.unpack("", "abc", 4), try(string.unpack, "", "abc", -10))
print(string.unpack("<I2 c2 z b", "\1\2xyend\0\5tail")) print(select("#", string.unpack(("b"):rep(100), ("\1"):rep(100)))) print(hex(string.pack(">I3I3", 1, 2)), string.unpack(">!4 I1 !4 I4", "\1\0\0\0\0\0\0\2"))
