-- tostring of numbers and tonumber of strings: bases, spaces, signs, hexadecimal, extremes, junk.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
for _, v in ipairs { 0, -0, 1, -1, 0.0, -0.0, 1.0, 1.5, 1e15, 1e16, 123456789012, 1e-5, 0.1, 1 / 3, 2^53, 2^63, -2^63, math.pi, 1e308 * 10, -1e308 * 10, 5e-324, math.maxinteger, math.mininteger, 3.14159265358979, 100.0, 1e2, 12345678.9 } do io.write(tostring(v), " ") end
print()
for _, s in ipairs { "10", " 10 ", "\t10\n", "10x", "x10", "", " ", "1 0", "+5", "-5", "+-5", "- 5", "0x10", "0X1F", "-0x10", "0x", "0xg", "1e5", "1e", "1e+5", "1E-5", ".5", "5.", ".", "0x.8", "0x1p4", "0x1.8p1", "0xA.8", "inf", "nan", "1e400", "-1e400", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "0xffffffffffffffff", "0x1ffffffffffffffff", "1_000", "1,5", "10\0", "１", "0b11", "1e1.0", "--1", "0x-1", "1f", "1d", "0x1P+2", "00010", "1 .5", "\v1\f", "1\r\n" } do
  local n = tonumber(s)
  print(("%q"):format(s), n, math.type(n))
end
for _, a in ipairs { { "ff", 16 }, { "FF", 16 }, { "zz", 36 }, { "-zz", 36 }, { "777", 8 }, { "8", 8 }, { "102", 2 }, { "1010", 2 }, { " 11 ", 2 }, { "", 10 }, { "-", 10 }, { "1.5", 10 }, { "1e1", 16 }, { "7fffffffffffffff", 16 }, { "ffffffffffffffff", 16 }, { "10000000000000000", 16 }, { "-ff", 16 }, { "+ff", 16 }, { "1 1", 2 }, { "0x10", 16 }, { "g", 17 }, { "9", 10 }, { "12\0", 10 } } do print(a[1], a[2], tonumber(a[1], a[2])) end
print(try(tonumber, "10", 1), try(tonumber, "10", 37), try(tonumber, 10, 10), try(tonumber, "10", "x"), tonumber("10", 10.0), tonumber(nil), tonumber({}), tonumber(true), tonumber(5), tonumber(5.5), try(tonumber))
print("10" + 1, "0x10" + 0, "1e1" + 0, " 5 " * 2, "3" // 2, "7" % "4", -"2", "2" ^ 2, 10 .. 20, "1.0" + 0, math.type("10" + 0), math.type("1e1" + 0))
print(try(function() return "abc" + 1 end), try(function() return "" + 1 end), try(function() return "1x" * 2 end), "10" == 10, "10" < "9", try(function() return "10" < 9 end))
print(math.tointeger("8"), math.tointeger(3.0), math.tointeger(3.5), math.tointeger("x"), math.tointeger(2^63), math.tointeger({}), string.format("%d", "10"), ("x"):rep("3"), #tostring(0.1 + 0.2))
