-- Variable arguments: adjustment, nil holes, select, pack, in tables, in the middle of lists.
local function count(...) return select("#", ...) end
print(count(), count(nil), count(nil, nil), count(1, nil, 3, nil))
local function middle(...) return (...), ..., "end" end
print(middle(1, 2, 3))
print((middle(1, 2, 3)))
local function tab(...) return { ..., n = select("#", ...) }, { ..., "x" }, { (...) } end
local a, b, c = tab("p", "q", "r")
print(#a, a.n, #b, b[1], b[2], #c)
local function assign(...)
  local x, y, z = ...
  return z, y, x
end
print(assign(1))
print(assign(1, 2, 3, 4))
print(select(2, "a", "b", "c"), select(-1, "a", "b", "c"), select(-2, "a", "b", "c"))
print(pcall(select, 0), pcall(select, -5, 1))
local p = table.pack(nil, 2, nil)
print(p.n, table.unpack(p, 1, p.n))
local function forward(f, ...) return f(...) end
print(forward(count, 1, nil, nil), forward(forward, count, nil))
local function recursive(n, ...) if n == 0 then return ... end return recursive(n - 1, n, ...) end
print(recursive(10))
print(#{ recursive(200) })
local function two() return 1, 2 end
print(two(), two(), (two()))
print(({ two(), two() })[3], #{ two(), two() }, #{ (two()), (two()) })
print(string.format("%s %s", two()))
local function discard(...) local _ = ... return _ end
print(discard(), discard(7, 8))
print((function(...) local t = { ... } t[1] = "changed" return ... end)("kept"))
local mt = setmetatable({}, { __call = function(self, ...) return count(...), ... end })
print(mt(1, 2))
print(count(table.unpack({}, 1, 250)))
