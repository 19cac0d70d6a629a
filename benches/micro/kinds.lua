-- Polynomials of integers and of floats: one function called with both kinds (arg[1]: how often).
local function horner(x, a, b, c, n)
  local sum = 0 * x
  for i = 1, n do
    sum = sum + ((a * x + b) * x + c)
    if sum > 1000000 then sum = sum - 1000000 end
    if sum < -1000000 then sum = sum + 1000000 end
    x = x + a
    if i % 7 == 0 then b = b - a elseif i % 5 == 0 then c = c + a end
  end
  return sum
end
local N = tonumber(arg[1] or 20000)
local ints, floats = 0, 0.0
for k = 1, N do
  ints = ints + horner(k, 3, 2, 1, 90)
  floats = floats + horner(k / 2, 0.5, 0.25, 1.5, 90)
end
print(ints, floats)
