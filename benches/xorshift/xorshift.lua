-- xorshift64*: 64-bit shifts, exclusive ors and a wrapping multiplication.
local N = tonumber(arg[1] or 30000000)

local x, sum = 88172645463325252, 0
for _ = 1, N do
  x = x ~ (x >> 12)
  x = x ~ (x << 25)
  x = x ~ (x >> 27)
  sum = sum + (x * 0x2545F4914F6CDD1D >> 11)
end
print(string.format("xorshift %016x %016x", x, sum))
