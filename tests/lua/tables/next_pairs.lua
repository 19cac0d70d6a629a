-- next and pairs: order-independent checks, deletion and assignment while traversing, errors.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local t = { 10, 20, 30, a = 1, b = 2, c = 3, [1.5] = "f", [true] = "b" }
local n, keys = 0, {}
for k, v in pairs(t) do n = n + 1 keys[#keys + 1] = tostring(k) .. "=" .. tostring(v) end
table.sort(keys)
print(n, table.concat(keys, " "))
for k in pairs(t) do t[k] = nil end
print(next(t), #t)
local big = {}
for i = 1, 1000 do big[i] = i big["k" .. i] = i end
local sum, count = 0, 0
for k, v in pairs(big) do
  sum, count = sum + v, count + 1
  if v % 2 == 0 then big[k] = nil else big[k] = v + 1 end
end
print(sum, count)
count = 0
for _ in pairs(big) do count = count + 1 end
print(count)
print(try(next, {}, "missing"), try(next, {}, 1), try(next, { 1, 2 }, 3), try(next), try(next, 1), next({}, nil), next({ 5 }))
local seq = {}
for i, v in ipairs { "a", "b", nil, "d" } do seq[#seq + 1] = i .. v end
print(table.concat(seq, " "))
-- The array part comes in order.
local order = {}
for k in pairs { 1, 2, 3, 4, 5 } do order[#order + 1] = k end
print(table.concat(order, " "))
local k, v = next({ only = "one" }) print(k, v)
local reused = {}
for i = 1, 10 do reused["x" .. i] = i end
for i = 1, 10 do reused["x" .. i] = nil end
for i = 1, 10 do reused["y" .. i] = i end
count = 0 for _ in pairs(reused) do count = count + 1 end print(count)
print(pcall(function() local q = { a = 1 } for kk in pairs(q) do q[kk] = nil collectgarbage() end return next(q) end))
print(rawequal(pairs({}), next), select("#", pairs({})), type((ipairs({}))))
local fl = {} fl[1] = "i" fl[2.0] = "f" fl[2^53] = "big" print(#fl, fl[2], fl[2^53 | 0], math.type(next({ [3.0] = 1 })))
