-- Loops that only count and add.
local function try(name, f, ...)
  print(name, pcall(f, ...))
end
local function sum(a, b) local s = 0 for i = a, b do s = s + i end return s end
local function step(a, b, c) local s, n = 0, 0 for i = a, b, c do s = s + i n = n + 1 end return s, n end
local function by2(a, b) local s, l = 7, nil for i = a, b, 2 do s = s + i * 3 l = i end return s, l end
local function by6(a, b) local s, n = 0, 0 for i = a, b, 6 do s = s + (i << 2) n = n + 1 end return s, n end
local function down(a, b) local s, t = 0, 0 for i = a, b, -3 do s = s - i t = t + s end return s, t end
local function squares(n) local s = 0 for i = 1, n do s = s + i * i end return s end
local function third(n, k) local a, b, c = 1, k, 3 for i = 1, n do a = a + b b = b + c c = c + i end return a, b, c end
local function cubes(n) local s = 0 for i = 1, n do s = s + i * i * i end return s end
local function nested(n, m) local s = 0 for i = 1, n do for j = 1, m do s = s + i + j end end return s end
local function triangle(n) local s = 0 for i = 1, n do for j = 1, i do s = s + j end end return s end
local function empty(n) for i = 1, n do end return n end
local function swap(n) local a, b = 1, 2 for i = 1, n do a, b = b, a end return a, b end
local function float(n) local s = 0.0 for i = 1, n do s = s + i end return s end
local function when(n) local s, i = 0, 0 while i ~= n do i = i + 1 s = s + i end return s, i end
local function repeated(n) local s, i = 0, 0 repeat i = i + 3 s = s + 2 * i - 1 until i == n return s, i end
local ends = { 0, 1, 2, 3, 10, 31, 1000 }
for round = 1, 40 do
  local quiet = round < 40
  local print = quiet and function() end or print
  local function try(name, f, ...) print(name, pcall(f, ...)) end
  for _, n in ipairs(ends) do
    try('sum', sum, 1, n) try('sum', sum, -n, n // 2) try('sum', sum, n, math.maxinteger // 2 > n and n + 40 or 0)
    try('step', step, 1, n, 1) try('step', step, 5, n, 3) try('step', step, n, -7, -2) try('step', step, 1, n, 7)
    try('by2', by2, 0, n) try('by2', by2, 1, n) try('by6', by6, -100, n) try('by6', by6, n, 500)
    try('down', down, n, 0) try('down', down, n, -n) try('squares', squares, n) try('third', third, n, n * 5)
    try('cubes', cubes, n) try('nested', nested, n % 37, n % 11) try('triangle', triangle, n % 100)
    try('empty', empty, n) try('swap', swap, n) try('float', float, n) try('when', when, n) try('repeated', repeated, n * 3 + 3)
  end
end
local big = math.maxinteger
print(sum(big - 5, big), sum(math.mininteger, math.mininteger + 3), by2(big - 4, big), by2(big - 5, big), by6(big - 13, big))
print(step(big - 9, big, 4), step(math.mininteger + 9, math.mininteger, -4), down(math.mininteger + 8, math.mininteger))
print(pcall(step, 1, 2, 0), pcall(sum, 1, 'x'), sum(1, 10.5), pcall(sum, 1.5, 4))
