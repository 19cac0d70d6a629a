-- Finalizers run in the reverse order of marking; objects are usable in them; they run once.
local log = {}
local function obj(name) return setmetatable({ name = name }, { __gc = function(o) log[#log + 1] = o.name end }) end
do
  local list = {}
  for i = 1, 5 do list[i] = obj("o" .. i) end
end
collectgarbage()
print(table.concat(log, " "))
log = {}
collectgarbage()
print(#log)
-- The order of marking is by setmetatable, not by creation.
do
  local mt = { __gc = function(o) log[#log + 1] = o.n end }
  local a, b, c = { n = "a" }, { n = "b" }, { n = "c" }
  setmetatable(c, mt) setmetatable(a, mt) setmetatable(b, mt)
end
collectgarbage()
print(table.concat(log, " "))
log = {}
-- A finalizer can see what its object refers to, finalised or not.
do
  local child = setmetatable({ name = "child" }, { __gc = function(o) log[#log + 1] = "gc " .. o.name end })
  setmetatable({ child = child }, { __gc = function(o) log[#log + 1] = "parent sees " .. o.child.name end })
end
collectgarbage() collectgarbage()
print(table.concat(log, ", "))
print(collectgarbage("count") > 0)
