-- # of sequences as they grow, shrink and are filled backwards; only cases with one border are printed.
local t = {}
for i = 1, 20 do t[i] = i assert(#t == i) end
for i = 20, 1, -1 do assert(#t == i) t[i] = nil end
print(#t)
local b = {}
for i = 10, 1, -1 do b[i] = i end
print(#b)
local h = {} h[1] = 1 h[2] = 2 h[4] = nil print(#h) h[3] = 3 print(#h)
print(#{ 1, 2, 3 }, #{ n = 3 }, #{ [1] = "a", [2] = "b" }, #{ [2] = "b" } == 0 or #{ [2] = "b" } == 2, #{ nil }, #"")
local c = { 1, 2, 3 } c[#c + 1] = 4 c[#c + 1] = 5 print(#c, c[#c]) c[#c] = nil print(#c)
local z = { [0] = 0, 1, [-1] = -1 } print(#z)
local f = { 1 } f[2.0] = 2 f[3.0] = 3 print(#f)
local g = {} for i = 1, 100 do g[i] = i end for i = 51, 100 do g[i] = nil end print(#g) for i = 51, 60 do g[i] = i end print(#g)
print(#setmetatable({ 1, 2 }, { __len = function() return "len" end }), rawlen { 1, 2, 3 }, rawlen "abcd", pcall(rawlen, 1))
local m = {} m[1 << 53] = 1 print(#m) m[math.maxinteger] = 1 print(#m == 0 or #m)
local big = {} for i = 1, 100000 do big[i] = true end print(#big) big[100000] = nil print(#big)
local cons = { table.unpack({}, 1, 0) } print(#cons)
local mixed = {} for i = 1, 50 do mixed[i * 2] = i end for i = 1, 50 do mixed[i * 2 - 1] = i end print(#mixed)
