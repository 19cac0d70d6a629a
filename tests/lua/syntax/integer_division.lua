-- // and % over all sign and kind combinations.
local xs = { 7, -7, 7.5, -7.5, 0, -0.0, 1 << 63, math.maxinteger }
local ys = { 2, -2, 2.5, -2.5, 3, -1, math.huge, -math.huge }
for _, x in ipairs(xs) do
  for _, y in ipairs(ys) do
    print(x, y, x // y, x % y)
  end
end
print(pcall(function() return 1 // 0 end))
print(pcall(function() return 1 % 0 end))
print(1 // 0.0, -1 // 0.0, 1.0 // 0, 0 / 0 ~= 0 / 0)
print(5 % math.huge, -5 % math.huge, 5 % -math.huge, -5 % -math.huge)
print(math.mininteger // -1, math.mininteger % -1)
local a, b = math.mininteger, -1
print(a // b, a % b)
print(3 | 4 // 2, 2 ^ 3 ^ 2, -2 ^ 2, not nil == true)
print("10" // "3", "10" % 3, 10.0 // "4")
