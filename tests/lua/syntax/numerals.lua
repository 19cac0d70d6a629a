-- Numerals: decimal, hexadecimal, floats, hexadecimal floats, overflow to float or wrap.
print(3, 3.0, 3.1416, 314.16e-2, 0.31416E1, 34e1, .5, 5., 1e2, 1E+2, 1e-2)
print(0xff, 0XA, 0xA.8p0, 0x.1p4, 0xA23p-4, 0X1.921FB54442D18P+1, 0x1p-1074, 0x10p-1)
print(9223372036854775807, 9223372036854775808, 18446744073709551616)
print(0x7fffffffffffffff, 0xffffffffffffffff, 0x1ffffffffffffffff, 0x8000000000000000)
print(1e308, 1e309, -1e309, 5e-324, 1e-325)
print(0e12, 0x0p12, 0e-12, 00012, 1e0)
print(100000000000000, 1e14, 1e15, 1e16, 123456789012345678)
print(0.1, 1 / 3, 100 / 3, 2 ^ 53, 2 ^ 63, 2 ^ 64, 1e100)
print(-0.0, 0.0, 3 == 3.0, math.type(3), math.type(3.0), math.type("3"))
print(- -3, - - -3, -(-3.5))
print(1 .. 2, 1. .. 2, 1 ..2)
print(math.mininteger, -9223372036854775808, -9223372036854775809)
for _, s in ipairs { "3x", "0x", "1e", "0x1p", "1..2", "1.2.3", "0xep1", "08", "3e+", "0x.p1" } do
  print(s, select(2, load("return " .. s)))
end
