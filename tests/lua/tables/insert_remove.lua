-- table.insert and table.remove at every position, edges and errors.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local function show(t) print(#t, table.concat(t, " ")) end
local t = {}
table.insert(t, "a") table.insert(t, "b") table.insert(t, 1, "c") table.insert(t, 2, "d") table.insert(t, 5, "e") show(t)
print(table.remove(t), table.remove(t, 1), table.remove(t, 2)) show(t)
print(table.remove(t), table.remove(t), table.remove(t), table.remove(t, 0), table.remove({}, 0)) show(t)
print(table.remove({}, 1), try(table.remove, {}, 2), try(table.remove, {}, -1), try(table.remove, { 1, 2, 3 }, 5), table.remove({ 1, 2, 3 }, 4), try(table.remove, { 1, 2, 3 }, 0))
print(try(table.insert, { 1 }, 0, 2), try(table.insert, { 1 }, 3, 2), try(table.insert, { 1 }, 1.5, 2), try(table.insert, { 1 }, "x", 2), try(table.insert, nil, 1), try(table.insert, { 1 }), try(table.insert, { 1 }, 1, 2, 3))
local q = {}
for i = 1, 100 do table.insert(q, 1, i) end
print(q[1], q[100], #q)
for i = 1, 50 do table.remove(q, 1) end
print(q[1], q[50], #q)
local z = { [0] = "zero" }
print(table.remove(z, 0), #z, z[0])
local n = { n = 0 }
table.insert(n, nil) print(#n) table.insert(n, "x") print(#n, n[1])
print(select("#", table.insert({}, 1)), select("#", table.remove({})), select("#", table.remove({ 1 })))
print(pcall(table.insert, setmetatable({}, { __len = function() return math.maxinteger end }), "x"))
local stack = {}
for i = 1, 1000 do stack[#stack + 1] = i end
local s = 0
while #stack > 0 do s = s + table.remove(stack) end
print(s, next(stack))
