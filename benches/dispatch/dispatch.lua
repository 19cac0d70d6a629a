-- Method dispatch with inheritance three deep: shapes with overridden and inherited methods, and super calls.
local N = tonumber(arg[1] or 4000)

local function class(parent)
  local c = {}
  c.__index = c
  if parent then setmetatable(c, parent) end
  function c.new(...)
    local o = setmetatable({}, c)
    o:init(...)
    return o
  end
  return c
end

local Shape = class()
function Shape:init(id) self.id = id end
function Shape:area() return 0 end
function Shape:corners() return 0 end
function Shape:weight() return self:area() * 2 + self:corners() end
function Shape:move(d) self.id = (self.id + d) % 997 end

local Polygon = class(Shape)
function Polygon:init(id, n)
  Shape.init(self, id)
  self.n = n
end
function Polygon:corners() return self.n end

local Rectangle = class(Polygon)
function Rectangle:init(id, w, h)
  Polygon.init(self, id, 4)
  self.w, self.h = w, h
end
function Rectangle:area() return self.w * self.h end

local Square = class(Rectangle)
function Square:init(id, side) Rectangle.init(self, id, side, side) end
function Square:weight() return Rectangle.weight(self) + 1 end

local Triangle = class(Polygon)
function Triangle:init(id, base, height)
  Polygon.init(self, id, 3)
  self.base, self.height = base, height
end
function Triangle:area() return self.base * self.height end
function Triangle:move(d)
  Polygon.move(self, d * 3)
  self.base = self.base % 19 + 1
end

local Dot = class(Shape)
function Dot:weight() return self.id % 5 end

local shapes = {}
for i = 1, 1000 do
  local k = i * 7 % 5
  if k == 0 then shapes[i] = Rectangle.new(i, i % 11, i % 13)
  elseif k == 1 then shapes[i] = Square.new(i, i % 17)
  elseif k == 2 then shapes[i] = Triangle.new(i, i % 19, i % 7)
  elseif k == 3 then shapes[i] = Dot.new(i)
  else shapes[i] = Polygon.new(i, i % 9) end
end

local h = 0
for round = 1, N do
  for i = 1, #shapes do
    local s = shapes[i]
    s:move(round)
    h = (h * 31 + s:weight() + s.id) % 1000003
  end
end
print(string.format("dispatch %d", h))
