-- __eq, __lt, __le: when they are tried, results made boolean, mixed types.
local log = {}
local mt = {
  __eq = function(a, b) log[#log + 1] = "eq" return a.v == b.v end,
  __lt = function(a, b) log[#log + 1] = "lt" return (type(a) == "table" and a.v or a) < (type(b) == "table" and b.v or b) end,
  __le = function(a, b) log[#log + 1] = "le" return (type(a) == "table" and a.v or a) <= (type(b) == "table" and b.v or b) end,
}
local function N(v) return setmetatable({ v = v }, mt) end
local a, b, c = N(1), N(2), N(1)
print(a == b, a == c, a ~= b, a ~= c, a == a, a == 1, a == nil)
print(a < b, a <= b, a > b, a >= b, a <= c, a < c)
print(a < 5, 5 < a, a <= 1, 1 >= a, a > 0, a >= 1.0, 0.5 < a, a < 1000000)
print(table.concat(log, " "))
print(rawequal(a, c), rawequal(a, a))
local other = setmetatable({ v = 1 }, { __eq = function() return "truthy" end })
print(a == other, other == a, setmetatable({}, { __eq = function() return nil end }) == {})
print(pcall(function() return a < {} end))
print(pcall(function() return {} < {} end))
print(pcall(function() return a < "x" end))
local only_lt = setmetatable({}, { __lt = function() return true end })
print(pcall(function() return only_lt <= only_lt end))
local t = { N(3), N(1), N(2) }
table.sort(t)
print(t[1].v, t[2].v, t[3].v)
print(math.max(1, 2), (pcall(math.max, a, b)))
if a < b then print "branch taken" end
if not (a < b) then print "never" end
local w = 0
while N(w) < N(3) do w = w + 1 end
print(w, not (a == c), a == b or "or value")
local u = setmetatable({}, { __lt = function() return 0 end, __le = function() return nil end })
print(u < u, u <= u, u > 1, u >= 1)
