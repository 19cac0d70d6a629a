-- One loop of 10^8 steps with almost nothing in it. The sum stays below 2^53, so doubles agree.
local N = tonumber(arg[1] or 100000000)

local s = 0
for i = 1, N do
  s = s + i
end
print(string.format("loop1e8 %.0f", s))
