-- A world that wraps around at its edges: grass on every field, and the creatures.

local class = require "simulation.class"
local random = require "simulation.random"

local World = class()

function World:init(width, height)
  self.width, self.height = width, height
  self.creatures, self.newborn = {}, {}
  self.grass = {}
  for i = 1, width * height do self.grass[i] = random.below(5) end
  self.time = 0
end

-- The field that a place beyond the edge stands for.
function World:wrap(x, y) return (x - 1) % self.width + 1, (y - 1) % self.height + 1 end

function World:add(creature) self.newborn[#self.newborn + 1] = creature end

-- Puts n creatures of a class at random places.
function World:populate(kind, n, energy)
  for _ = 1, n do self:add(kind(random.below(self.width), random.below(self.height), energy)) end
  self:settle()
end

local function field(world, x, y) return (y - 1) * world.width + x end

-- Takes up to `most` grass from a field, and says how much there was.
function World:graze(x, y, most)
  local i = field(self, x, y)
  local eaten = math.min(self.grass[i], most)
  self.grass[i] = self.grass[i] - eaten
  return eaten
end

function World:find(x, y, name)
  for _, c in ipairs(self.places[field(self, x, y)] or {}) do
    if c.name == name and c.energy > 0 then return c end
  end
end

-- Buries the dead, adds the newborn, and notes who is where.
function World:settle()
  local living = {}
  for _, list in ipairs { self.creatures, self.newborn } do
    for _, c in ipairs(list) do
      if c:alive() then living[#living + 1] = c end
    end
  end
  self.creatures, self.newborn, self.places = living, {}, {}
  for _, c in ipairs(living) do
    local i = field(self, c.x, c.y)
    local here = self.places[i]
    if here then here[#here + 1] = c else self.places[i] = { c } end
  end
end

function World:step()
  self.time = self.time + 1
  for i, grass in ipairs(self.grass) do
    if grass < 8 and random.below(6) == 1 then self.grass[i] = grass + 1 end
  end
  for _, c in ipairs(self.creatures) do
    if c:alive() then c:step(self) end
  end
  self:settle()
end

function World:count(name)
  local n = 0
  for _, c in ipairs(self.creatures) do
    if c.name == name then n = n + 1 end
  end
  return n
end

function World:__tostring()
  local rows = {}
  for y = 1, self.height do
    local row = {}
    for x = 1, self.width do
      local i = field(self, x, y)
      local here = self.places[i]
      row[x] = here and here[1].symbol or self.grass[i] > 4 and '"' or self.grass[i] > 0 and "." or " "
    end
    rows[y] = table.concat(row)
  end
  return table.concat(rows, "\n")
end

return World
