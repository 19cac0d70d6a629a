-- Float loops: counts of iterations, accumulated values, precision, negative and tiny steps, integer limits clipped.
local function count(a, b, c) local n, last = 0, nil for i = a, b, c do n = n + 1 last = i if n >= 1000 then break end end print(a, b, c, n, last) end
count(0, 1, 0.1) count(0.0, 1.0, 0.25) count(1, 0, -0.1) count(1, 2, 1 / 3) count(0, 1, 1e-2) count(1.0, 3, 1) count(1, 3.9, 1) count(1.5, 4, 1) count(-1.5, -4, -1) count(0, -1, 0.5) count(1, math.huge, 2) count(1, -math.huge, -2) count(0.0, math.huge, 1e300) count(1, 10, 2.5) count(10, 1, -2.5)
count(math.maxinteger - 3, math.huge, 1) count(math.mininteger + 3, -math.huge, -1) count(math.maxinteger - 3, 2^63, 2) count(math.maxinteger, math.maxinteger + 1.0, 1) count(1, 1e100, math.maxinteger) count(-5, 5.5, 5) count(5, -5.5, -5) count(3, 2.999, 1) count(3, 3.001, -1) count(1, 0.999, 1)
count(2^53, 2^53 + 4, 1) count(0, 0, 1) count(0.0, -0.0, 1) count(0.1, 0.3, 0.1) count(1e308, math.huge, 1e308)
local s = 0 for x = 1, 100 do s = s + x / 2 end print(s) s = 0 for x = 1, 2, 0.125 do s = s + x end print(s) s = 0 for i = 10, 1, -1 do s = s * 2 + i end print(s)
local i = 5 for i = i, i + 2 do io.write(i, " ") end print(i)
local function bounds() io.write("once ") return 3 end for k = 1, bounds() do io.write(k, " ") end print()
