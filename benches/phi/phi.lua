-- The formula V = n * 3^k * pi^m * phi^p * e^q over a box of exponents:
-- counts and sums the values that fall between 1 and 100. Float powers in a deep loop nest.
local N = tonumber(arg[1] or 2400)

local PI, PHI, E = math.pi, (1 + math.sqrt(5)) / 2, math.exp(1)

local function V(n, k, m, p, q)
  return n * 3.0 ^ k * PI ^ m * PHI ^ p * E ^ q
end

local count, sum, largest = 0, 0.0, 0.0
for n = 1, N do
  for k = -4, 4 do
    for m = -3, 3 do
      for p = -3, 3 do
        for q = -3, 3 do
          local v = V(n, k, m, p, q)
          if v >= 1.0 and v <= 100.0 then
            count = count + 1
            sum = sum + v
          end
          if v > largest then largest = v end
        end
      end
    end
  end
end
print(string.format("phi %d %.3f %.3f", count, sum, largest))
