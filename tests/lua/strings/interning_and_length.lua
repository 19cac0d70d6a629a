-- Short and long strings: equality, use as keys, embedded zeros, conversion caches, concatenation of many.
local t = {}
local long1, long2 = ("k"):rep(100), ("k"):rep(50) .. ("k"):rep(50)
t[long1] = "long"
print(t[long2], long1 == long2, rawequal(long1, long2), #long1)
t["a\0b"], t["a\0c"] = 1, 2
print(t["a\0b"], t["a\0" .. "c"], t["a"], t["a\0"])
t["1"], t[1], t[1.0] = "string", "integer", "float is integer"
print(t["1"], t[1], t[1.5])
local parts = {}
for i = 1, 200 do parts[i] = i end
local s = ""
for _, p in ipairs(parts) do s = s .. p end
print(#s, s == table.concat(parts), s:sub(-6))
local many = load("local a = 'x' return " .. ("a .. "):rep(190) .. "a")()
print(#many)
print(1 .. "", 1.0 .. "", -0.0 .. "", 2^53 .. "", "a" .. 1 .. 2.5 .. "b", ("x"):rep(40) == ("x"):rep(39) .. "x", ("x"):rep(41) == ("x"):rep(40) .. "x")
local keys = {}
for i = 1, 1000 do keys["key" .. i] = i end
local sum = 0
for i = 1, 1000 do sum = sum + keys["ke" .. "y" .. i] end
print(sum)
for i = 1, 1000, 2 do keys["key" .. i] = nil end
local n = 0
for k, v in pairs(keys) do n = n + 1 assert(k == "key" .. v) end
print(n)
