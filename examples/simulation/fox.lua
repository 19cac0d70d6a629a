local class = require "simulation.class"
local Creature = require "simulation.creature"

local Fox = class(Creature)

Fox.name, Fox.symbol = "fox", "F"
Fox.cost = 2
Fox.lifespan = 60
Fox.birth_energy = 90
Fox.__tostring = Creature.__tostring

-- A fox that sees a rabbit on a neighbouring field goes there; otherwise it wanders like any creature.
function Fox:move(world)
  for dx = -1, 1 do
    for dy = -1, 1 do
      local x, y = world:wrap(self.x + dx, self.y + dy)
      if world:find(x, y, "rabbit") then
        self.x, self.y = x, y
        return
      end
    end
  end
  Creature.move(self, world)
end

function Fox:eat(world)
  local prey = world:find(self.x, self.y, "rabbit")
  if prey then
    self.energy = self.energy + prey.energy + 3
    prey.energy = 0
  end
end

return Fox
