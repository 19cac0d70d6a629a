-- Fields that constructors begin with nil.
local function node(v) return {next = nil, v = v, prev = nil} end
local a, b = node(1), node(2)
a.next = b
b.prev = a
for _, n in ipairs{a, b} do
  local keys = {}
  for k in pairs(n) do keys[#keys + 1] = k end
  table.sort(keys)
  print(table.concat(keys, " "), next(n) ~= nil)
end
local e = {x = nil}
print(next(e), #e, rawlen(e))
e.x = 1
for k, v in pairs(e) do print(k, v); e[k] = nil end
print(next(e))
-- the slot is no value: metatables are asked
local C = {kind = "class"}
C.__index = C
local function object() local o = setmetatable({kind = nil, id = nil}, C); o.extra = nil; return o end
for i = 1, 50 do
  local o = object()
  assert(o.kind == "class" and o.id == nil and o.extra == nil)
  o.kind = "own"
  assert(o.kind == "own")
  o.kind = nil
  assert(o.kind == "class")
end
local log = {}
local W = {__newindex = function(t, k, v) log[#log + 1] = k .. "=" .. tostring(v); rawset(t, k, v) end}
for i = 1, 30 do
  local w = setmetatable({f = nil}, W)
  w.f = nil
  w.f = i
  w.f = i + 1
  w.g = nil
end
print(#log, log[1], log[2], log[3])
-- many names, some of them nil, and globals
local many = {}
for i = 1, 100 do many["k" .. i] = nil; many["k" .. i] = i; many["k" .. i] = nil end
print(next(many))
undefined_global = nil
print(undefined_global, rawget(_G, "undefined_global"))
local seen = 0
for k in pairs(_G) do if k == "undefined_global" then seen = seen + 1 end end
print(seen)
