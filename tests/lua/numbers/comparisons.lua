-- Integer against float comparison near 2^53 and 2^63, NaN, infinities, mixed equality, as table keys.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local MAX, MIN, NAN, INF = math.maxinteger, math.mininteger, 0 / 0, 1 / 0
local xs = { 0, -0.0, 1, 1.0, 1.5, -1, 2^53 | 0, 2^53, (2^53 | 0) + 1, 2^53 + 2, MAX, MAX - 1, 2^63, 2^63 - 1025, MIN, -2^63, -2^63 - 1025, INF, -INF, NAN, 1e308, 5e-324 }
for i, a in ipairs(xs) do
  local row = {}
  for j, b in ipairs(xs) do row[j] = (a < b and "<" or "") .. (a <= b and "l" or "") .. (a == b and "=" or "") .. (a > b and ">" or "") .. (a >= b and "g" or "") .. (a ~= b and "!" or "") end
  print(i, table.concat(row, " "))
end
print(MAX < 2^63, MAX + 1.0 == 2^63, MAX == 2^63, MIN == -2^63, MIN <= -2^63, (2^53 | 0) + 1 > 2^53, (2^53 | 0) + 1 == 2^53 + 1)
print(NAN == NAN, NAN ~= NAN, NAN < NAN, not (NAN < 1), not (NAN >= 1), 1 == 1.0, "1" == 1, math.max(1, 2.5, -1), math.min(3, 1.5), math.max(1, 1.0), math.type(math.max(1.0, 1)), math.min(-0.0, 0.0), math.max(MAX, 2^63))
local x = 5
if x < 5.5 then io.write "a " end if x > 4.5 then io.write "b " end if x <= 5.0 then io.write "c " end if 5.0 <= x then io.write "d " end if x ~= 5.0 then io.write "e " end if not (x < NAN) then io.write "f " end print()
for _, k in ipairs { 127, 128, -128, -129, 255, 256, 32767, 32768, 65536, 131072 } do io.write(tostring(x < k), " ", tostring(x == k), " ", tostring(k > x), " ", tostring(k <= x), "; ") end print()
print(try(math.max), try(math.min, "x"), try(math.max, "10", 9), type(math.max({})), try(function() return 1 < "2" end), "a" < "b", try(function() return 1 < nil end))

-- Integers with floats, of kinds that are known, around the last integers that are floats exactly.
local function order(i, f)
  local s = ""
  for _ = 1, 2 do
    local g = f + 0.0
    s = s .. (i < g and "<" or "-") .. (i <= g and "l" or "-") .. (g < i and ">" or "-") .. (g <= i and "g" or "-")
  end
  return s
end
local function below(f, limit)
  local n = 0
  while f < 1000000 do f = f * 3 n = n + 1 end
  while f <= limit do f = f * 3 n = n + 1 end
  while 9007199254740993 > f do f = f * 3 n = n + 1 end
  while not (f >= math.maxinteger) do f = f * 3 n = n + 1 end
  return n, f
end
for _ = 1, 20 do order(1, 1.5) below(1.5, 70000000) end
for _, i in ipairs { 0, 1, -1, 1 << 53, (1 << 53) + 1, (1 << 53) - 1, -(1 << 53), -(1 << 53) - 1, -(1 << 53) + 1, math.maxinteger, math.mininteger, math.maxinteger - 1 } do
  print(i, order(i, 0.5), order(i, -0.0), order(i, 2.0 ^ 53), order(i, -2.0 ^ 53), order(i, 2.0 ^ 63), order(i, -2.0 ^ 63), order(i, 1 / 0), order(i, 0 / 0), order(i, i))
end
print(below(1.5, 1 << 54), below(-0.5 + 1, 3), below(1e300, 4))
