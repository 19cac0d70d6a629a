-- Objects that nobody keeps: with a metatable of their own each, or with one for all.

local Vec = {}
Vec.size = 2
function Vec.new(x, y)
  local o = { x = x, y = y }
  return setmetatable(o, { __index = Vec })
end
function Vec:plus(o) return Vec.new(self.x + o.x, self.y + o.y) end
function Vec:add(o)
  local r = Vec.new(self.x + o.x, self.y + o.y)
  return r
end
function Vec:dot(o) return self.x * o.x + self.y * o.y end
function Vec:move(d)
  self.x = self.x + d
  return self
end

local function vectors(n)
  local s, p = 0, Vec.new(0.0, 0.5)
  for i = 1, n do
    local v = Vec.new(i * 0.5, i * 0.25)
    p = p:add(v)
    s = s + v:dot(p) + v.size + (v.none and 1 or 0)
    v:move(1):move(2)
    s = s + v.x
    p = p:plus(v)
  end
  return s, p.x, p.y, getmetatable(p).__index == Vec
end
print(vectors(50))

-- Methods that change while they are used.
local function replaced(n)
  local s = 0
  for i = 1, n do
    local v = Vec.new(i, 1)
    if i == n // 2 then
      local old = Vec.dot
      function Vec:dot(o) return old(self, o) + 1000 end
    end
    if i == n - 5 then Vec.size = "two" end
    s = s + v:dot(v) + #tostring(v.size)
  end
  return s
end
print(replaced(40))

-- One metatable for all.
local Point = {}
Point.__index = Point
local function point(x, y) return setmetatable({ x = x, y = y }, Point) end
function Point:len2() return self.x * self.x + self.y * self.y end
Point.__add = function(a, b) return point(a.x + b.x, a.y + b.y) end
Point.__eq = function(a, b) return a.x == b.x and a.y == b.y end
Point.__len = function(a) return 2 end
Point.__tostring = function(a) return "(" .. a.x .. ", " .. a.y .. ")" end
local function points(n)
  local s = 0
  for i = 1, n do
    local p = point(i, i + 1)
    local q = p + p
    s = s + p:len2() + q.x + #p + (p == point(i, i + 1) and 1 or 0)
    if i % 10 == 0 then s = s + #tostring(p) end
  end
  return s
end
print(points(60))

-- A metatable that begins to mean something on the way.
local Plain = {}
local function plain(n)
  local s, log = 0, {}
  for i = 1, n do
    local o = setmetatable({ a = i }, Plain)
    if i == 10 then Plain.__index = function(_, k) return k .. "!" end end
    if i == 15 then Plain.__newindex = function(t, k, v) rawset(t, k, v * 2) end end
    o.b = i
    o.a = o.a + 1
    s = s + o.a + o.b
    log[#log + 1] = tostring(o.c)
  end
  return s, table.concat(log, " ")
end
print(plain(20))

-- Finalizers are called, whatever else is known of the object.
local closed = 0
local Final = { __gc = function() closed = closed + 1 end }
local function finals(n)
  local s = 0
  for i = 1, n do
    local o = setmetatable({ v = i }, Final)
    s = s + o.v
  end
  return s
end
print(finals(30))
collectgarbage()
collectgarbage()
print(closed)
local Late = {}
local function late(n)
  local s = 0
  for i = 1, n do
    if i == n then Late.__gc = function() closed = closed + 100 end end
    local o = setmetatable({ v = i }, Late)
    s = s + o.v
  end
  return s
end
print(late(30))
collectgarbage()
collectgarbage()
print(closed)

-- Two metatables; a protected one; no table.
local function wrong(i)
  local o = setmetatable({ v = i }, { __metatable = i > 20 and "locked" or nil, __index = Vec })
  if i > 18 then return pcall(setmetatable, o, {}) end
  return setmetatable(o, { __index = function(_, k) return k end }).size
end
for i = 16, 22 do
  local ok, what = wrong(i)
  print(ok, type(what) == "table" or what)
end
local function none(mt) local o = setmetatable({ 7 }, mt) return o[1], o[2] end
for i = 1, 10 do none({ __index = { 1, 2, 3 } }) end
print(none({ __index = { 1, 2, 3 } }), none(nil), pcall(none, 5))

-- Errors inside methods of such objects.
function Vec:bad(k) if k == 7 then error("seven " .. self.x) end return self.y + k end
local function errors(n)
  local s = 0
  for i = 1, n do
    local v = Vec.new(i, 2)
    s = s + v:bad(i)
  end
  return s
end
print(errors(6), pcall(errors, 9))
print((select(2, xpcall(errors, debug.traceback, 9)):gsub("0x%x+", "ADDR"):gsub("%[C%]: in .*", "")))
