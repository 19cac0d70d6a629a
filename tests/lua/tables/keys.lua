-- Keys of every type, normalisation of floats, NaN and nil, collisions, removal, large indices, negative ones.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local t = {}
local fn, co, tb = print, coroutine.create(print), {}
t[1], t[-1], t[0], t[1.5], t["1"], t[true], t[false], t[fn], t[co], t[tb], t[""], t[math.huge], t[-math.huge] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
print(t[1], t[-1], t[0], t[1.5], t["1"], t[true], t[false], t[fn], t[co], t[tb], t[""], t[math.huge], t[-math.huge], t[{}], t[nil], t[0 / 0])
t[2^31], t[2^32], t[2^53], t[math.maxinteger], t[math.mininteger] = "a", "b", "c", "d", "e"
print(t[1 << 31], t[1 << 32], t[1 << 53], t[0x7fffffffffffffff], t[math.mininteger], t[-2^63])
t[2^63] = "float" print(t[2^63], t[math.maxinteger + 1.0])
print(try(function() t[nil] = 1 end), try(function() t[0 / 0] = 1 end), try(rawset, t, nil, 1), try(rawset, t, 0 / 0, 1), try(function() t[nil] = nil end))
t[-0.0] = "zero" print(t[0], t[0.0])
local count = 0 for _ in pairs(t) do count = count + 1 end print(count)
for k in pairs(t) do t[k] = nil end print(next(t))
local sparse = {} for i = 1, 20 do sparse[2 ^ i] = i end local s = 0 for i = 1, 20 do s = s + sparse[1 << i] end print(s, #sparse == 0 or true)
local neg = {} for i = -50, 50 do neg[i] = i end s = 0 for i = -50, 50 do s = s + neg[i] * i end print(s, #neg)
local same = {} for i = 1, 3 do same[i .. ""] = i end print(same["1"], same["3"], same[1])
local fk = {} for i = 1, 100 do fk[i + 0.5] = i end s = 0 for i = 1, 100 do s = s + fk[i + 0.5] end print(s)
local tk = {} local ks = {} for i = 1, 100 do ks[i] = {} tk[ks[i]] = i end s = 0 for i = 1, 100 do s = s + tk[ks[i]] end print(s)
local bool = { [true] = "yes", [false] = "no" } print(bool[1 == 1], bool[1 == 2], bool[not nil])
local r = { a = 1 } r.a = nil r.b = 2 r.a = 3 print(r.a, r.b) r.b = nil print(next(r))
