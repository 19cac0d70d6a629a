-- Classes with multiple levels, super calls, class methods, mixins, multiple inheritance by function.
local function class(...)
  local parents = { ... }
  local c = {}
  c.__index = c
  setmetatable(c, {
    __index = #parents == 1 and parents[1] or function(_, k)
      for _, p in ipairs(parents) do
        local v = p[k]
        if v ~= nil then return v end
      end
    end,
    __call = function(cls, ...)
      local o = setmetatable({}, cls)
      if o.init then o:init(...) end
      return o
    end,
  })
  return c
end
local Animal = class()
function Animal:init(name) self.name = name end
function Animal:speak() return self.name .. " makes " .. self:sound() end
function Animal:sound() return "a sound" end
Animal.__tostring = function(a) return "Animal " .. a.name end
local Dog = class(Animal)
function Dog:init(name, breed) Animal.init(self, name) self.breed = breed end
function Dog:sound() return "woof" end
local Swimmer = class()
function Swimmer:swim() return self.name .. " swims" end
local Labrador = class(Dog, Swimmer)
function Labrador:sound() return Dog.sound(self):upper() end
local a, d, l = Animal("cat"), Dog("rex", "mutt"), Labrador("lab", "lab")
print(a:speak(), d:speak(), l:speak(), l:swim(), l.breed)
print(tostring(a), (tostring(d):gsub("0x%x+", "ADDR")))
function Animal:sound() return "a new sound" end
print(a:speak(), d:speak())
Dog.sound = nil
print(d:speak(), pcall(l.speak, l))
print(getmetatable(d) == Dog, getmetatable(Dog).__index == Animal, rawget(Dog, "speak"))
for i = 1, 3 do l["extra" .. i] = i end
print(l.extra1, l.extra3, l.missing)
