-- Loops that use more numbers than the machine has registers, and leave by many ways.
local function mix(t, n)
  local a, b, c, d, e, f, g, h = 1, 2, 3, 4, 5, 6, 7, 8
  local k1, k2, k3, k4, k5 = n + 1, n ~ 5, n << 2, n // 3, n - 9
  local count, last = 0, 0
  for i = 1, #t do
    local x = t[i]
    count = count + 1
    if x == k1 then
      a = a + (b ~ x)
    elseif x & 7 == 3 then
      b, c = c + k2, b ~ k3
    elseif x & 7 == 5 then
      d = d + (e & k4) - x
    elseif x > 1000000 then
      return "large", a, b, c, d, e, f, g, h, count, last
    else
      e, f, g, h = h ~ x, e + k5, f - k1, g ~ k2
    end
    last = x + (a ~ h)
    t[i] = last & 0xffff
  end
  return "end", a, b, c, d, e, f, g, h, count, last
end

local function floats(t, n)
  local a, b, c, d, e, f, g, h = 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0
  local p, q, r, s, u, v, w, y, z = n / 2, n / 3, n / 4, n / 5, n / 6, n / 7, n / 8, n / 9, n / 10
  for i = 1, #t do
    local x = t[i]
    if x < 0 then return "negative", a, b, c, d, e, f, g, h end
    a, b, c = a + x * p, b + a * q / 64, c - x * r
    d, e, f = d * 0.5 + s, e * 0.25 + u * x, f + v
    g, h = (g + w * y) / 2, (h + z) / 2
  end
  return "end", a, b, c, d, e, f, g, h
end

local numbers, halves = {}, {}
for i = 1, 300 do
  numbers[i] = i * 37 % 1009
  halves[i] = i / 2
end
for n = 1, 20 do
  print(mix(numbers, n))
  print(floats(halves, n))
end
numbers[200] = 2000000
halves[100] = -1.0
print(mix(numbers, 3))
print(floats(halves, 3))
numbers[50] = 2.5
print(pcall(mix, numbers, 3))
numbers[60] = "x"
print(pcall(mix, numbers, 3))
halves[20] = {}
print(pcall(floats, halves, 3))
