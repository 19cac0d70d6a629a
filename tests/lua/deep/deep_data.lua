-- Deep structures: long lists, nested tables built and walked by loops, long chains of closures and string ropes.
local t = {} local p = t for i = 1, 100000 do p.n = { v = i } p = p.n end
local d, s = 0, 0 p = t while p.n do p = p.n d = d + 1 s = s + p.v end print(d, s)
t, p = nil, nil collectgarbage()
local f = function(x) return x end for i = 1, 1000 do local g = f f = function(x) return g(x) + 1 end end print(f(0))
local m = {} for i = 1, 1000 do m = setmetatable({}, { __index = m }) end print(m.x)
local ok, e = pcall(function() local q = { base = 1 } for i = 1, 3000 do q = setmetatable({}, { __index = q }) end return q.base end) print(ok, tostring(e):match("'__index' chain too long") or e)
local fs = {} for i = 1, 10000 do fs[i] = function() return fs[i - 1] and i or 0 end end local c = 0 for i = 1, 10000 do c = c + fs[i]() end print(c)
local parts = {} for i = 1, 50000 do parts[i] = i % 10 end print(#table.concat(parts))
local function depth(x) local n = 0 while type(x) == "table" do x = x[1] n = n + 1 end return n end
local nest = 0 for _ = 1, 50000 do nest = { nest } end print(depth(nest))
local many = {} for i = 1, 250 do many[i] = i end print(select("#", table.unpack(many)), (select(250, table.unpack(many))), math.max(table.unpack(many)), #string.char(table.unpack(many, 1, 200)))
print(pcall(function() return #{ table.unpack({}, 1, 100000) } end))
