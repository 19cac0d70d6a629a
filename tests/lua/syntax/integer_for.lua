-- Numeric for at the edges of integers, with float steps, and errors.
local function show(v) return v ~= v and "nan" or tostring(v) end
local function run(a, b, c)
  local out, n = {}, 0
  for i = a, b, c do
    n = n + 1
    if n > 6 then out[n] = "..." break end
    out[n] = show(i)
  end
  print(show(a), show(b), show(c), table.concat(out, " "))
end
local MAX, MIN = math.maxinteger, math.mininteger
run(MAX - 2, MAX, 1) run(MIN + 2, MIN, -1) run(MAX, MAX, 1) run(MIN, MIN, -1)
run(MAX - 5, MAX, 3) run(1, MAX, MAX) run(MIN, MAX, MAX) run(-1, MIN, MIN)
run(1, 3, 1) run(3, 1, 1) run(3, 1, -1) run(1, 3, -1)
run(1, 2.9, 1) run(1, -0.5, -1) run(1, math.huge, 1) run(1, -math.huge, -1) run(1, -math.huge, 1)
run(1.0, 3, 1) run(1, 3, 0.5) run(0.1, 0.5, 0.1) run(1, 3.0, 1) run(3, 1, -0.75)
run(1, 1e308, 1e307) run(MAX, MAX + 1.0, 1) run(1, 0 / 0, 1) run(0 / 0, 1, 1)
run("1", 2, 1 == 2 and 1 or 1)
