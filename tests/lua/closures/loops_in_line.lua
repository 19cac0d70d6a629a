-- Functions with generic loops become code of their callers: each, map, fold, find; every way out of them.
local function each(t, f) for i, v in ipairs(t) do f(v, i) end end
local function map(t, f) local out = {} for i, v in ipairs(t) do out[i] = f(v) end return out end
local function fold(t, f, s) for _, v in ipairs(t) do s = f(s, v) end return s end
local function find(t, p) for i, v in ipairs(t) do if p(v) then return i, v end end return nil end
local function has(t, x) for _, v in pairs(t) do if v == x then return true end end return false end
local function keys(t) local n = 0 for k in pairs(t) do n = n + #k end return n end
local function both(t, u, f) local s = 0 for _, x in ipairs(t) do for _, y in ipairs(u) do s = f(s, x, y) end end return s end
local function first(t) for k, v in pairs(t) do return k, v end end

local list, names = {}, {}
for i = 1, 30 do list[i] = i names["n" .. i] = i end
local function run(limit)
  local sum, n = 0, 0
  each(list, function(v, i) sum = sum + v n = n + i end)
  local twice = map(list, function(v) return v * 2 end)
  local product = fold(twice, function(a, b) return (a * b + 1) % 1000003 end, 1)
  local i, v = find(twice, function(v) return v > limit end)
  local j = find(twice, function(v) return v < 0 end)
  return sum, n, #twice, product, i, v, j, has(names, limit), has(list, -1), keys(names), both(list, twice, function(s, x, y) return s + x * y end)
end
for k = 1, 30 do run(k) end
print(run(10))
print(run(59))
print(run(60))
print(first({}), first({ 7 }))

-- lists of other kinds, with metatables, with holes, none at all
local function total(t)
  local s = 0
  each(t, function(v) s = s + v end)
  return s
end
for _ = 1, 30 do total(list) end
print(total({ 1.5, 2.5 }), total({ 1, 2.5, 3 }), total({}), total({ 1, nil, 3 }))
print(total(setmetatable({ 1, 2 }, { __index = function(_, i) if i < 6 then return i end end })))
print(pcall(total, { 1, {} }))
print(pcall(total, nil))
print(pcall(total, setmetatable({ 1, 2 }, { __index = function() error("index", 0) end })))

-- errors, tracebacks, yields and hooks inside
local function checked(t, at)
  local s = 0
  each(t, function(v)
    if v == at then error(debug.traceback("at " .. s, 1), 0) end
    s = s + v
  end)
  return s
end
for _ = 1, 30 do checked(list, 0) end
print((select(2, pcall(checked, list, 20)):gsub("\n[^\n]*%[C%].*", "")))
local function yields(t)
  return coroutine.wrap(function()
    local s = 0
    each(t, function(v) s = s + v if v % 10 == 0 then coroutine.yield(s) end end)
    return -s
  end)
end
for _ = 1, 10 do local f = yields(list) f() f() end
local f = yields(list)
print(f(), f(), f(), f())
local function watched(t, hook)
  local lines = 0
  each(t, function(v)
    if v == 15 and hook then debug.sethook(function() lines = lines + 1 end, "l") end
  end)
  debug.sethook()
  return lines
end
for _ = 1, 30 do watched(list, false) end
print(watched(list, true))
local function locals(t, at)
  local found
  each(t, function(v, i)
    if v == at then
      found = {}
      for level = 1, 3 do
        for n = 1, 10 do
          local name, value = debug.getlocal(level, n)
          if not name then break end
          if type(value) ~= "function" and type(value) ~= "table" then found[#found + 1] = level .. name .. tostring(value) end
        end
      end
    end
  end)
  return found and table.concat(found, " ")
end
for _ = 1, 30 do locals(list, 0) end
print(locals(list, 3))

-- something to close: in the loop, around it
local log = {}
local function closer(name) return setmetatable({}, { __close = function() log[#log + 1] = name end }) end
local function closing(t, c, p)
  for k, v in next, t, nil, c do if p(v) then return k end end
  return "none"
end
local function around(t, p)
  local x <close> = closer("around")
  for i, v in ipairs(t) do if p(v) then return i end end
  return "none"
end
local function calls(at, c)
  return closing(list, c, function(v) return v == at end), around(list, function(v) return v == at end), find(list, function(v) return v == at end)
end
for k = 1, 30 do calls(k) end
log = {}
print(calls(5, closer("five")))
print(calls(100, closer("hundred")))
print(table.concat(log, " "))
do
  local y <close> = closer("outer")
  print(calls(7), find(list, function(v) return v == 8 end), has(names, 3))
end
print(table.concat(log, " "))

-- deep, and with many results
local function nested(t, depth, f)
  if depth == 0 then return f(t) end
  local s = 0
  for _, v in ipairs(t) do s = s + nested(t, depth - 1, f) + v end
  return s
end
for _ = 1, 5 do nested({ 1, 2, 3 }, 2, function(t) return #t end) end
print(nested({ 1, 2, 3 }, 4, function(t) return #t end))
local function pair(t, x) for i, v in ipairs(t) do if v == x then return i, v, i + v, "more" end end end
for k = 1, 30 do local a, b, c, d = pair(list, k) end
print(pair(list, 4))
print((pair(list, 4)))
print(pair(list, 40))
local a, b, c, d, e = pair(list, 6)
print(a, b, c, d, e)
