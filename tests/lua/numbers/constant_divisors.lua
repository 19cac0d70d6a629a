-- Division and remainder by constants against the same by variables.
local numbers = { 0, 1, -1, 2, -2, 3, -3, 7, -7, 65520, 65521, 65522, -65521, 1000003, 2^31 | 0, -(2^31 | 0),
  math.maxinteger, math.mininteger, math.maxinteger - 1, math.mininteger + 1, 6148914691236517205, -6148914691236517206 }
for i = 1, 40 do
  numbers[#numbers + 1] = (i * 0x9E3779B97F4A7C15) >> (i % 13)
  numbers[#numbers + 1] = -((i * 0x9E3779B97F4A7C15) >> (i % 63))
end
local function check(d, by)
  for _, x in ipairs(numbers) do
    local q, r = by(x)
    if q ~= x // d or r ~= x % d then print("wrong", x, d, q, r) end
    if q * d + r ~= x then print("not a division", x, d) end
  end
end
local divisors = { 2, 3, 5, 6, 7, 9, 10, 12, 25, 100, 125, 625, 641, 997, 1000, 65521, 65537, 139968, 1000003, 2147483647,
  2147483649, 4294967295, 4294967297, 6700417, 1000000007, 4611686018427387905, 9223372036854775807, 6148914691236517205, -3, -1, -7 }
for _, d in ipairs(divisors) do
  local source = ("return function(x) return x // %d, x %% %d end"):format(d, d)
  check(d, load(source)())
end
check(3, function(x) return x // 3, x % 3 end)
check(7, function(x) return x // 7, x % 7 end)
check(10, function(x) return x // 10, x % 10 end)
check(641, function(x) return x // 641, x % 641 end)
check(65521, function(x) return x // 65521, x % 65521 end)
check(1000003, function(x) return x // 1000003, x % 1000003 end)
check(4294967297, function(x) return x // 4294967297, x % 4294967297 end)
check(9223372036854775807, function(x) return x // 9223372036854775807, x % 9223372036854775807 end)
check(6148914691236517205, function(x) return x // 6148914691236517205, x % 6148914691236517205 end)
print("done", #numbers)
