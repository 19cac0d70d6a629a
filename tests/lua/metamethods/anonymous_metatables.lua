-- Objects with metatables of their own, {__index = prototype}, and what happens when one of these changes.
local Base = { kind = function() return "base" end, size = 1 }
local Class = setmetatable({ name = function() return "class" end }, { __index = Base })
local function new(n) return setmetatable({ n = n }, { __index = Class }) end
local function ask(o) return o.n, o:kind(), o:name(), o.size, o.missing end
local objects = {}
for i = 1, 300 do objects[i] = new(i) end
local function all(what)
  local seen, order = {}, {}
  for _, o in ipairs(objects) do
    local key = table.concat({ tostring(o:kind()), tostring(o:name()), type(o.size) == "function" and "f" or tostring(o.size),
      type(o.missing) == "function" and "f" or tostring(o.missing) }, " ")
    if not seen[key] then order[#order + 1] = key end
    seen[key] = (seen[key] or 0) + 1
  end
  for _, k in ipairs(order) do print(what, k, seen[k]) end
end
all("fresh")
print(ask(objects[7]))
-- a changed prototype shows in all
Class.size = 2; all("size"); Class.size = nil; all("no size")
Class.missing = "found"; all("found"); Class.missing = nil
-- a changed metatable shows in one
local other = { kind = function() return "other" end, name = function() return "other name" end }
getmetatable(objects[3]).__index = other; all("one differs")
getmetatable(objects[4]).__newindex = function(t, k, v) rawset(t, k, v * 2) end
for i = 1, 6 do objects[i].late = i end
for i = 1, 6 do print(i, objects[i].late) end
getmetatable(objects[5]).__index = nil
print(pcall(function() return objects[5]:kind() end))
getmetatable(objects[5]).__index = function(_, k) return function() return k end end
all("a function")
for i = 301, 310 do objects[i] = new(i) end
all("later ones")
-- metatables with a metatable, in tables of their own, shared, emptied, and rawset
local shared = { __index = Class }
for i = 311, 320 do objects[i] = setmetatable({}, shared) end
rawset(shared, "__index", other); all("shared")
setmetatable(shared, { __index = function() error("never asked") end })
rawset(shared, "__index", nil)
print(objects[311].kind, objects[320].n)
rawset(shared, "__index", Class); all("back")
for k in pairs(shared) do shared[k] = nil end
print(objects[315].kind)
shared.__index, shared.__len = Class, function() return 99 end
print(#objects[315], objects[315]:kind())
-- the prototype becomes a dictionary, and another kind of value
for i = 1, 200 do Class["key" .. i] = i end
for i = 1, 200 do Class["key" .. i] = nil end
all("after many keys")
getmetatable(objects[200]).__index = "a string"
print(objects[200].len == string.len, pcall(function() return objects[200]:kind() end))
-- a class whose own metatable changes
getmetatable(Class).__index = { kind = function() return "new base" end }
all("new base")
setmetatable(Class, nil)
print(pcall(function() return objects[1]:kind() end))
-- assignments through the metatable
local log = {}
for i = 1, 50 do
  local o = new(i)
  if i == 30 then getmetatable(o).__newindex = function(_, k) log[#log + 1] = k .. i end end
  o.a, o.b = i, i
end
print(table.concat(log, " "))
-- an object that is its own prototype's metatable, cycles
local m = {}; m.__index = m
local a, b = setmetatable({}, m), setmetatable({}, m)
m.x = 1; print(a.x, b.x); m.x = nil; print(a.x, b.x)
local p, q = {}, {}
setmetatable(p, { __index = q }); setmetatable(q, { __index = p })
print(pcall(function() return p.x end))
getmetatable(q).__index = { x = "end" }
print(p.x, q.x)
collectgarbage(); collectgarbage(); all("at the end")
