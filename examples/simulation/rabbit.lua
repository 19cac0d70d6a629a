local class = require "simulation.class"
local Creature = require "simulation.creature"

local Rabbit = class(Creature)

Rabbit.name, Rabbit.symbol = "rabbit", "r"
Rabbit.lifespan = 30
Rabbit.birth_energy = 12
Rabbit.__tostring = Creature.__tostring

function Rabbit:eat(world)
  self.energy = self.energy + world:graze(self.x, self.y, 4)
end

return Rabbit
