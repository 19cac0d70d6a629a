-- A loop of 10^4 steps entered N times: short loops, where warm-up and loop entry count.
local N = tonumber(arg[1] or 8000)

local function inner(s)
  for i = 1, 10000 do
    s = (s * 3 + i) % 65521
  end
  return s
end

local s = 1
for _ = 1, N do s = inner(s) end
print(string.format("loop1e4 %d", s))
