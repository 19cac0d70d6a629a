-- Keys that `next` is given and that are not in the table: tables that are made with room for elements have none of them.
local function make(n)
  local t = { x = 1 }
  for i = 1, n do t[i] = i end
  return t
end
local function first(t, k)
  for key, value in next, t, k do return key, value end
  return "end"
end
for _ = 1, 200 do
  first(make(3), 1)
  first(make(3), nil)
end
print(pcall(first, make(0), 1), pcall(next, make(0), 1), pcall(next, make(0), 3))
print(pcall(next, make(0), 0), pcall(next, make(0), 1.0), pcall(first, {}, 1))
-- Traversals that empty what they go through.
local t, n = make(3), 0
for k in next, t do t[k] = nil n = n + 1 end
print(n, next(t))
t = make(3)
for i = 3, 1, -1 do t[i] = nil end
print(pcall(first, t, 1), pcall(next, t, 1))
