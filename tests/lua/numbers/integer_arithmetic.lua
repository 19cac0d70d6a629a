-- Integer wrap-around, division and modulo at the extremes, conversions, bit operations.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local MAX, MIN = math.maxinteger, math.mininteger
print(MAX + 1 == MIN, MIN - 1 == MAX, -MIN == MIN, MAX * 2, MIN * -1, MIN * MIN, MAX * MAX, MAX + 1.0, MIN // -1, MIN % -1, MAX // -1)
print(MIN / -1, MIN / 1, MAX / 2, 7 / 2, 6 / 2, 2 ^ 2, 2 ^ 0.5, 10 // 3, -10 // 3, 10 // -3, -10 // -3, 10 % 3, -10 % 3, 10 % -3, -10 % -3)
print(math.abs(MIN), math.abs(MAX), math.abs(-5), math.abs(-5.5), math.abs(-0.0), math.ult(1, -1), math.ult(-1, 1), math.ult(MIN, MAX), math.ult(5, 5))
print(1 << 62, 1 << 63, 1 << 64, -1 >> 1, -1 << 1, -1 >> 63, ~0, ~MAX, MAX & MIN, MAX | MIN, MAX ~ MIN, 0xF0 & 0x3C, 0xF0 | 0x0F, 5 ~ 3, 1 << -1, 1 >> -1, 2.0 << 1.0, 8 >> 1 << 1)
print(math.tointeger(3.0), math.tointeger(2^53), math.tointeger(-2^63), math.tointeger(2^63), math.tointeger("3"), math.tointeger("0x10"), math.tointeger(0 / 0), math.tointeger(1 / 0), math.tointeger(nil == 1))
print(3 | 0, 3.0 | 0, try(function() return 3.5 | 0 end), try(function() return 2^63 | 0 end), try(function() return (0 / 0) | 0 end), -2^63 | 0, try(function() return 1e100 & 1 end))
local s, p = 0, 1
for i = 1, 100 do s = s + i * i * i p = p * 3 + i end
print(s, p, p >> 3, p // 7, p % 7)
local x = 1 for i = 1, 70 do x = x * 3 end print(x)
local function gcd(a, b) while b ~= 0 do a, b = b, a % b end return a end print(gcd(2^40 | 0, 6^20 | 0), gcd(1071, 462))
print(5 // 0.0, -5 // 0.0, 0 // 0.0 ~= 0 // 0.0, 5 % 0.0 ~= 5 % 0.0, try(function() return 5 // 0 end), try(function() return 5 % 0 end), 5 // 1 == 5.0, math.type(5 // 1.0))
print(MAX + 0.0 == 2^63, MAX + 0.0, MIN + 0.0, MIN + 0.0 == -2^63, MAX == MAX + 0.0, (MAX + 0.0) == (MAX + 1.0), MAX // 1 | 0)
for _, n in ipairs { 0, 1, -1, 127, 128, 255, 256, 65535, 65536, 2^31 | 0, -2^31 | 0, MAX, MIN } do io.write(string.format("%x ", n)) end print()
