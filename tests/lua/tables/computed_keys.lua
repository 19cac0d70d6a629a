-- Reads by computed keys: strings, floats, booleans, tables; absent with and without metatables; on what is no table.
local t = { a = 1, b = "x", [2.5] = "f", [true] = "yes", [3] = "three", [100] = 7 }
local key = {}
t[key] = "object"
local function get(t, k) return t[k] end
local keys = { "a", "b", "c", 2.5, 3.0, 3, 100, 1e300, true, false, key, {}, ("long"):rep(20), 0 / 0 }
t[("long"):rep(20)] = "long"
for round = 1, 30 do
  for i = 1, #keys do
    local v = get(t, keys[i])
    if round == 1 or round == 30 then io.write(tostring(v), " ") end
  end
end
print(get(t, nil))
local fallback = setmetatable({ a = false }, { __index = function(_, k) return "?" .. tostring(k) end })
for _, k in ipairs { "a", "b", 1, 2.5, true } do io.write(tostring(get(fallback, k)), " ") end
print()
local chained = setmetatable({}, { __index = t })
for _, k in ipairs { "a", "zz", 3, 3.0 } do io.write(tostring(get(chained, k)), " ") end
print(get("abc", "len")("abc"))
print(pcall(get, 5, "x"))
print(pcall(get, nil, key ~= nil))
-- Only strings, always a number, then not.
local function sum(t, names)
  local s = 0
  for i = 1, #names do s = s + t[names[i]] end
  return s
end
local numbers, names = {}, {}
for i = 1, 60 do names[i] = "k" .. i numbers["k" .. i] = i end
for i = 1, 20 do sum(numbers, names) end
print(sum(numbers, names))
numbers.k7 = 0.5
print(sum(numbers, names))
numbers.k8 = nil
print(pcall(sum, numbers, names))
setmetatable(numbers, { __index = function() return 1000 end })
print(sum(numbers, names))
for i = 9, 60 do numbers["k" .. i] = nil end
print(sum(numbers, names))
