-- What all creatures share: a place, an age, energy, a step in a random direction, and birth.

local class = require "simulation.class"
local random = require "simulation.random"

local Creature = class()

Creature.symbol = "?"
Creature.cost = 1          -- energy spent in a step
Creature.lifespan = 50     -- steps
Creature.birth_energy = 20 -- energy above which it divides

function Creature:init(x, y, energy)
  self.x, self.y = x, y
  self.energy = energy
  self.age = 0
end

function Creature:alive() return self.energy > 0 and self.age < self.lifespan end

function Creature:move(world)
  self.x, self.y = world:wrap(self.x + random.below(3) - 2, self.y + random.below(3) - 2)
end

-- Subclasses say what they eat.
function Creature:eat(world) end

function Creature:step(world)
  self.age = self.age + 1
  self.energy = self.energy - self.cost
  self:move(world)
  self:eat(world)
  if self.energy >= self.birth_energy then
    self.energy = self.energy // 2
    world:add(getmetatable(self)(self.x, self.y, self.energy))
  end
end

function Creature:__tostring()
  return string.format("%s at %d,%d (energy %d)", self.name, self.x, self.y, self.energy)
end

return Creature
