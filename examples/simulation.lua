-- Rabbits, foxes and grass: an object-oriented simulation over several modules.
--   lua simulation.lua [STEPS [SEED]]

-- The modules lie beside this file, wherever it is run from. (A compiled program has them inside.)
package.path = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/?.lua;" .. package.path

local World = require "simulation.world"
local Rabbit = require "simulation.rabbit"
local Fox = require "simulation.fox"
local random = require "simulation.random"

local steps = tonumber(arg[1]) or 200
random.seed(tonumber(arg[2]) or 2024)

local world = World(60, 20)
world:populate(Rabbit, 120, 8)
world:populate(Fox, 12, 25)

print("time  rabbits  foxes")
for _ = 0, steps do
  if world.time % 20 == 0 then
    print(string.format("%4d  %7d  %5d", world.time, world:count("rabbit"), world:count("fox")))
  end
  world:step()
end

print(world)

local oldest
for _, c in ipairs(world.creatures) do
  if not oldest or c.age > oldest.age then oldest = c end
end
print(oldest and "the oldest: " .. tostring(oldest) .. ", aged " .. oldest.age or "no creature is left")
