-- Constructors: positional, named, computed keys, separators, nested, long lists, multiple results at the end.
local function three() return "x", "y", "z" end
local t = { 1, 2; 3, n = "named", [10] = "ten", ["a b"] = "space", three() }
print(#t, t[4], t[5], t[6], t.n, t[10], t["a b"])
local u = { three(), three() }
print(#u, u[1], u[2])
local w = { (three()) }
print(#w)
local o = { [1] = "explicit", "positional" }
print(o[1])
local dup = { a = 1, a = 2 }
print(dup.a)
local n = { { { 1 } }, { { 2 } } }
print(n[1][1][1], n[2][1][1])
local src = { "return {" }
for i = 1, 1000 do src[#src + 1] = i .. "," end
src[#src + 1] = "}"
local big = load(table.concat(src))()
print(#big, big[1], big[1000], big[50], big[51], big[513])
local src2 = { "return {" }
for i = 1, 600 do src2[#src2 + 1] = string.format("k%d = 'v%d',", i, i) end
src2[#src2 + 1] = "}"
local named = load(table.concat(src2))()
print(named.k1, named.k300, named.k600)
local nils = { nil, nil, 3 }
print(nils[1], nils[3], select("#", table.unpack(nils, 1, 3)))
print(#{ nil }, #{ n = 1 }, next({}))
local k = "key"
print(({ [k] = 1, k = 2 }).key, ({ [k .. k] = 3 }).keykey)
print(pcall(load "return { [nil] = 1 }"))
print(pcall(load "return { [0/0] = 1 }"))
local f = { f = function(self) return self.v end, v = 9 }
print(f:f())
