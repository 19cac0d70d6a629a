-- Sieve of Eratosthenes over a table of booleans, repeated.
local N = tonumber(arg[1] or 50)
local SIZE = 500000

local function sieve(size)
  local composite = {}
  for i = 1, size do composite[i] = false end
  local count, sum = 0, 0
  for i = 2, size do
    if not composite[i] then
      count = count + 1
      sum = (sum + i) % 1000003
      for j = i * i, size, i do composite[j] = true end
    end
  end
  return count, sum
end

local total, count, sum = 0, 0, 0
for r = 1, N do
  count, sum = sieve(SIZE - r)
  total = (total + count * 7 + sum) % 1000003
end
print(string.format("sieve %d %d %d", count, sum, total))
