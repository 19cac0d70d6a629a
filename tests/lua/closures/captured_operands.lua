-- Captured locals as operands beside expressions with jumps: the local is read on every path.
local function f(x, y)
  local function up() return x end
  local r = {}
  r[#r + 1] = x == (y or 93)
  r[#r + 1] = x ~= (y and 1)
  r[#r + 1] = x == (y and 1 or 2)
  r[#r + 1] = (y or 93) == x
  r[#r + 1] = x < (y or 93)
  r[#r + 1] = x <= (y or 93)
  r[#r + 1] = x > (y or 93)
  r[#r + 1] = x >= (y or 93)
  r[#r + 1] = (y or 93) < x
  r[#r + 1] = (y or 93) >= x
  r[#r + 1] = x + (y or 93)
  r[#r + 1] = x - (y or 93)
  r[#r + 1] = x | (y or 93)
  r[#r + 1] = (y or 93) - x
  r[#r + 1] = x .. (y or 93)
  r[#r + 1] = x == (not y or x)
  r[#r + 1] = x == (y == 1)
  r[#r + 1] = not (x < (y or 5)) and x
  if x == (y or 1) then r[#r + 1] = "then" else r[#r + 1] = "else" end
  while x < (y or 1) do r[#r + 1] = "loop" break end
  up()
  for i, v in ipairs(r) do r[i] = tostring(v) end
  return table.concat(r, " ")
end
print(f(1)) print(f(1, 1)) print(f(93)) print(f(2, 3)) print(f(3, 2))
local function g(t, k, y)
  local function up() return t, k end
  t[k] = y or 1
  t[y or 2] = k
  t.x = y or k
  t[k == (y or 1)] = y and k or t
  local a, b = t[y or 2], t[k or y]
  return a, b, t.x, t[k], t[k == (y or 1)] == t, #up()
end
print(g({}, 1)) print(g({}, 2, 3)) print(g({}, "k", false)) print(g({}, 1, 1))
