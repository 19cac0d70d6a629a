-- string.byte with every kind of index, hot.
local s = "hello, world"
local n = 0
for i = 1, 200 do
  n = n + s:byte(-1) + s:byte(i % #s + 1) + s:byte(-(i % #s) - 1)
end
print(n)
print(s:byte(0), s:byte(13), s:byte(-13), s:byte(-12), s:byte(math.mininteger), s:byte(math.maxinteger))
local function at(s, i) return (s:byte(i)) end
local out = {}
for r = 1, 20 do for i = -14, 14 do out[#out + 1] = tostring(at(s, i)) end end
print(#out, table.concat(out, " ", 1, 29))
