-- Loads and stores of fields outside loops: every kind of cache, and what changes under it.
local calls = {}
local function log(...) calls[#calls + 1] = table.concat({ ... }, " ") end

-- New fields, one after the other, on tables of one shape; then a table that has them in another order.
local function point(t, x, y)
  t.x = x
  t.y = y
  t.z = x
  return t.x, t.y, t.z
end
for i = 1, 3 do print(point({}, i, i + 1)) end
print(point({ z = 0, y = 0 }, 7, 8))
print(point(setmetatable({}, { __index = { x = 5 } }), 1, 2))

-- A nil field: without a metatable, with one that has no __newindex, with one that gets it later.
local function put(t, v)
  t.v = v
  return rawget(t, "v")
end
local plain = { v = 1 }
local mt = {}
local with = setmetatable({ v = 1 }, mt)
for _, t in ipairs { plain, with } do
  print(put(t, nil), put(t, 2), put(t, nil))
end
mt.__newindex = function(t, k, v) log("newindex", k, tostring(v)); rawset(t, k, v and v * 10) end
print(put(with, 3), put(with, 4), put(with, nil), put(with, 5))
print(put(plain, 6))

-- Nil stored to a field that is not there.
local function nothing(t) t.absent = nil; return next(t) end
print(nothing {}, nothing(setmetatable({}, { __newindex = function(_, k) log("absent", k) end })))

-- A loaded field: own, inherited, changed in the class, shadowed, nil again, by a function.
local class = { kind = "class" }
class.__index = class
local object = setmetatable({}, class)
local function kind(o) return o.kind end
print(kind(object), kind(class))
class.kind = "changed"
print(kind(object), kind(class))
object.kind = "own"
print(kind(object))
object.kind = nil
print(kind(object))
setmetatable(object, { __index = function(_, k) return "made " .. k end })
print(kind(object), pcall(kind, nil))
print(kind("a string"), pcall(kind, 1))

-- Globals that are defined once, twice, and not at all; functions of the library replaced.
function once() return "once" end
counter = 0
local function count() counter = counter + 1; return counter end
count(); count()
print(once(), counter, undefined)
local function floor(x) return math.floor(x) end
print(floor(2.5))
local saved = math.floor
math.floor = function(x) return -x end
print(floor(2.5))
math.floor = saved
print(floor(2.5))
once = function() return "twice" end
print(once())

-- Methods that are fields of their object, of a class, of strings.
local function name(o) return o:name() end
local A = { name = function() return "A" end }
A.__index = A
print(name(A), name(setmetatable({}, A)), name { name = function() return "own" end })
string.name = function(s) return s .. "!" end
print(name("s"), name(A))
string.name = nil
print(pcall(name, "s"))

-- Many registers alive across many slow paths, with a collection and an error between.
local function many(a, b, c, d, e, f)
  local g, h, i, j = a.n, b.n, c.n, d.n
  local k, l, m, n = e.n, f.n, g .. h, i .. j
  collectgarbage("step")
  local o, p = { a, b }, { c, d }
  local q = function() return a, b, c, d end
  local ok, err = pcall(function() return o.x.y end)
  return g, h, i, j, k, l, m, n, #o, #p, select("#", q()), ok, err
end
local t = {}
for i = 1, 6 do t[i] = { n = tostring(i) } end
for i = 1, 3 do print(many(table.unpack(t))) end
print(table.concat(calls, "; "))
