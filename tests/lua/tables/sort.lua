-- table.sort: orders, comparators, stability not needed, errors, invalid order functions, metamethods.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local function show(t) print(table.concat(t, " ")) end
local t = { 5, 2, 8, 1, 9, 3 }
table.sort(t) show(t)
table.sort(t, function(a, b) return a > b end) show(t)
t = { "banana", "apple", "Cherry", "10", "9", "" }
table.sort(t) show(t)
t = { 1.5, 1, -0.0, 0, 2^53, -1 / 0, 1 / 0, math.maxinteger, math.mininteger, 3 }
table.sort(t) show(t)
show { table.unpack({}, 1, 0) }
for _, n in ipairs { 0, 1, 2, 3, 10, 100, 1000 } do
  local r, seed = {}, n + 1
  for i = 1, n do seed = (seed * 16807) % 2147483647 r[i] = seed % 50 end
  table.sort(r)
  for i = 2, n do assert(r[i - 1] <= r[i]) end
  table.sort(r, function(a, b) return a > b end)
  for i = 2, n do assert(r[i - 1] >= r[i]) end
end
local sorted, rev = {}, {}
for i = 1, 500 do sorted[i], rev[i] = i, 501 - i end
table.sort(sorted) table.sort(rev)
print(sorted[1], sorted[500], rev[1], rev[500])
print(pcall(table.sort, { 1, "x", 2 }))
print(pcall(table.sort, { {}, {} }))
print(pcall(table.sort, { 3, 2, 1 }, function() error("cmp", 0) end))
print(pcall(table.sort, { 1, 2, nil, 4 }) == false or "no error")
print(pcall(table.sort, { 3, 1, 2, 5, 4 }, function() return true end))
local bad = {}
for i = 1, 100 do bad[i] = i % 7 end
print(pcall(table.sort, bad, function(a, b) return a <= b end))
print(try(table.sort, { 1, 2, 3 }, 5), try(table.sort), try(table.sort, 1))
local objs = {}
for i, v in ipairs { 3, 1, 2 } do objs[i] = setmetatable({ v = v }, { __lt = function(a, b) return a.v < b.v end }) end
table.sort(objs)
print(objs[1].v, objs[2].v, objs[3].v)
local words = { "the", "quick", "brown", "fox" }
table.sort(words, function(a, b) if #a ~= #b then return #a < #b end return a < b end)
show(words)
local p = setmetatable({}, { __len = function() return 3 end, __index = function(_, i) return 4 - i end, __newindex = function(_, k, v) io.write(k, "=", v, " ") end })
print(pcall(table.sort, p))
