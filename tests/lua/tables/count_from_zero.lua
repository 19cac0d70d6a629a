-- Tables that count from 0: the key 0 is in the hash part, at the main position or behind it in its chain.

local function sum(t, from, to)
  local s = 0
  for i = from, to do s = s + t[i] end
  return s
end

local function fill(t, n)
  for i = 0, n do t[i] = i * 3 + 1 end
  return t
end

local function clear_zero(t) t[0] = 0 end
local function bump(t, i) t[i] = t[i] + 1 end
local function first(t) return t[0] end

for round = 1, 30 do
  local t = fill({}, 31)
  clear_zero(t)
  for i = 0, 31 do bump(t, i) end
  bump(t, 0)
  assert(first(t) == 2, round)
  print(sum(t, 0, 31), first(t))
end

-- Other keys whose chains begin where that of 0 does: multiples of the hash part's size, also put in first.
for _, keys in ipairs { { 0, -8, -16, 64, 128 }, { -8, -16, 64, 128, 0 }, { 64, 0, -64, -128, "k" }, { 1.5, "x", 0, true, -8 } } do
  local t = {}
  for n, k in ipairs(keys) do t[k] = n end
  for _ = 1, 10 do bump(t, 0) end
  clear_zero(t)
  bump(t, 0)
  for _, k in ipairs(keys) do io.write(tostring(k), "=", tostring(t[k]), " ") end
  print(first(t))
end

-- No 0 at all, a 0 that went, values of other kinds.
print(pcall(sum, {}, 0, 0))
local t = fill({}, 4)
t[0] = nil
print(first(t), pcall(bump, t, 0))
t[0] = 2.5
bump(t, 0)
print(first(t))
t[0] = "7"
bump(t, 0)
print(first(t), math.type(first(t)))
t[0.0] = 5
bump(t, 0)
print(first(t), t[-0.0])
print(pcall(bump, { [0] = {} }, 0))

-- Metatables answer for what is not there, and only then.
local log = {}
local mt = { __index = function(_, k) log[#log + 1] = "get " .. k return 10 end, __newindex = function(t, k, v) log[#log + 1] = "set " .. k rawset(t, k, v) end }
local m = setmetatable({}, mt)
bump(m, 0)
bump(m, 0)
clear_zero(m)
print(first(m), table.concat(log, ", "))
local locked = setmetatable({}, { __newindex = error })
print(select("#", pcall(clear_zero, locked)), (pcall(clear_zero, locked)))
print(rawget(locked, 0))

-- A collection in between: entries that were emptied keep their places.
for i = 1, 200 do
  local u = { [0] = i }
  u[0] = nil
  u[-i] = i
  u[0] = i + 1
  if i % 50 == 0 then collectgarbage() end
  bump(u, 0)
  assert(first(u) == i + 2)
end
print "done"
