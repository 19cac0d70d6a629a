-- Order of evaluation as the reference does it in calls, constructors, assignment and operators.
local log = {}
local function v(name, value) log[#log + 1] = name return value end
local function flush() print(table.concat(log, " ")) log = {} end
local t = setmetatable({}, { __newindex = function(_, k, x) log[#log + 1] = "set" .. k .. "=" .. tostring(x) end })
v("f", function() end)(v("a"), v("b"), v("c"))
flush()
local _ = { v("1"), x = v("2"), [v("3", "k")] = v("4"), v("5") }
flush()
t[v("k1", 1)], t[v("k2", 2)], t[v("k3", 3)] = v("x", 10), v("y", 20), v("z", 30)
flush()
_ = v("l", 1) + v("m", 2) * v("n", 3)
flush()
_ = v("l", 1) .. v("m", 2) .. v("n", 3)
flush()
_ = v("p", false) and v("q") or v("r")
flush()
_ = v("lt1", 1) < v("lt2", 2), v("gt1", 1) > v("gt2", 2), v("le1", 1) >= v("le2", 2)
flush()
-- Assignments see the old values.
local i, a = 1, {}
i, a[i] = i + 1, 20
print(i, a[1], a[2])
local x, y, z = 1, 2, 3
x, y, z = z, x, y
print(x, y, z)
local q = { 1, 2, 3 }
local j = 1
j, q[j], q[j + 1] = 3, "one", "two"
print(j, q[1], q[2], q[3])
local m = { m = {} }
m.m, m = 5, { other = true }
print(m.m, m.other)
-- Extra values are evaluated and dropped; missing ones are nil.
local b, c = v("b1", 1)
local d = v("d1", 1), v("d2", 2)
flush()
print(b, c, d)
