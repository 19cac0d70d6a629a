-- The step of ipairs is code of the loop: every way out of that code, after many iterations that went the usual way.

local function sum(t)
  local s, n = 0, 0
  for i, v in ipairs(t) do
    s = s + v
    n = i
  end
  return s, n
end

local ints, floats, mixed = {}, {}, {}
for i = 1, 100 do
  ints[i] = i
  floats[i] = i / 2
  mixed[i] = i % 2 == 0 and i or i / 4
end
for _ = 1, 50 do sum(ints) end
print("integers", sum(ints))
print("floats", sum(floats))
print("both", sum(mixed))
print("none", sum({}))
print("one", sum({ 7 }))
print("a hole", sum({ 1, 2, nil, 4 }))
print("hash part behind", sum((function() local t = { 1, 2, 3 } t.x = 1 return t end)()))
print("in the hash part", sum((function() local t = {} for i = 10, 1, -1 do t[i] = i end return t end)()))
print("metatable", sum(setmetatable({ 1, 2, 3 }, {})))
print("__index", sum(setmetatable({ 1, 2, 3 }, { __index = function(_, i) if i < 8 then return i * 10 end end })))
print("__index table", sum(setmetatable({ 1, 2 }, { __index = { 5, 6, 7, 8 } })))
print("strings that are numbers", sum({ 1, "2", 3 }))
print("not numbers", pcall(sum, { 1, 2, "x" }))
print("not a table", pcall(sum, 5))
print("nil", pcall(sum, nil))
print("a string", pcall(sum, "abc"))
print("error in __index", pcall(sum, setmetatable({ 1 }, { __index = function(_, i) error("no " .. i, 0) end })))

-- one variable, three variables
local function count(t)
  local n = 0
  for i in ipairs(t) do n = n + i end
  return n
end
local function third(t)
  local seen
  for i, v, w in ipairs(t) do seen = w == nil and v or "something" end
  return seen
end
for _ = 1, 50 do count(ints) third(ints) end
print(count(ints), count({}), count({ "a", "b", nil, "d" }), third(ints), third({}))

-- the loop changes what it goes through
local function grow(limit)
  local t = { 1 }
  for i, v in ipairs(t) do
    if i < limit then t[i + 1] = v + i end
  end
  return #t, t[#t]
end
local function shrink(n)
  local t = {}
  for i = 1, n do t[i] = i end
  local steps = 0
  for i in ipairs(t) do
    t[#t] = nil
    steps = steps + 1
  end
  return steps, #t
end
local function retype(n)
  local t = {}
  for i = 1, n do t[i] = i end
  local out = {}
  for i, v in ipairs(t) do
    out[#out + 1] = tostring(v)
    if i == n // 2 then t[n] = "end" end
    if i == n // 2 + 1 then t[n - 1] = 0.5 end
  end
  return table.concat(out, " ")
end
for _ = 1, 20 do grow(30) shrink(30) retype(4) end
print(grow(30))
print(shrink(31))
print(retype(10))

-- ways out, closures over the variables, loops in loops
local function find(t, x)
  for i, v in ipairs(t) do
    if v == x then return i, v end
  end
  return nil
end
local function leave(t, x)
  local last
  for i, v in ipairs(t) do
    if v > x then break end
    if v % 2 == 0 then goto continue end
    last = i
    ::continue::
  end
  return last
end
local function capture(t)
  local fs = {}
  for i, v in ipairs(t) do
    fs[i] = function(d) v = v + d return i, v end
  end
  return fs
end
local function pairs_of(a, b)
  local n = 0
  for i, x in ipairs(a) do
    for j, y in ipairs(b) do
      n = n + (x * y) % (i + j)
    end
  end
  return n
end
for k = 1, 30 do find(ints, k) leave(ints, k) pairs_of(ints, ints) capture({ k, k }) end
print(find(ints, 60), find(ints, 1000), leave(ints, 17), pairs_of(ints, ints))
local fs = capture({ 10, 20, 30 })
print(fs[1](1), fs[2](2), fs[3](3), fs[1](1))

-- a variable that is assigned
local function assigned(t)
  local out = 0
  for i, v in ipairs(t) do
    i = i * 2
    v = v and i + v
    out = out + v
  end
  return out
end
for _ = 1, 20 do assigned(ints) end
print(assigned(ints), assigned(floats))

-- tables of tables
local rows = {}
for i = 1, 20 do rows[i] = { name = "r" .. i, value = i } end
local function total(rows)
  local s = 0
  for _, row in ipairs(rows) do s = s + row.value end
  return s
end
for _ = 1, 20 do total(rows) end
print(total(rows), pcall(total, { { value = 1 }, 5 }))

-- yields in the body, and errors with their tracebacks
local function producer(t)
  return coroutine.wrap(function() for i, v in ipairs(t) do coroutine.yield(i, v) end end)
end
for _ = 1, 10 do for _ in producer({ 1, 2, 3 }) do end end
for i, v in producer(ints) do if i > 3 then break end io.write(i, "=", v, " ") end
print()
local function fails(t)
  local n = 0
  for i, v in ipairs(t) do
    n = n + v
    if i == 40 then error(debug.traceback("at " .. n, 1), 0) end
  end
  return n
end
for _ = 1, 10 do fails({ 1, 2, 3 }) end
print((select(2, pcall(fails, ints)):gsub("\n[^\n]*%[C%].*", "")))

-- the library's own variables of the loop, changed from outside
local function change(t)
  local s = 0
  for i, v in ipairs(t) do
    s = s + v
    if i == 5 and t.skip then
      for k = 1, 20 do
        local name = debug.getlocal(1, k)
        if name == "(for state)" and type(select(2, debug.getlocal(1, k))) == "table" then
          debug.setlocal(1, k, { 0, 0, 0, 0, 0, 100, 200 })
        end
      end
    end
  end
  return s
end
for _ = 1, 20 do change(ints) end
ints.skip = true
print(change(ints))

-- hooks see every line
local function lines(t)
  local s = 0
  for _, v in ipairs(t) do
    s = s + v
  end
  return s
end
for _ = 1, 20 do lines(ints) end
local seen = 0
debug.sethook(function() seen = seen + 1 end, "l")
lines({ 1, 2, 3 })
debug.sethook()
print(seen)
local hooked = 0
local function hooks_itself(t)
  local s = 0
  for i, v in ipairs(t) do
    s = s + v
    if i == 3 and t.hook then debug.sethook(function() hooked = hooked + 1 end, "l") end
  end
  debug.sethook()
  return s
end
for _ = 1, 20 do hooks_itself({ 1, 2, 3, 4 }) end
hooks_itself({ 1, 2, 3, 4, 5, 6, hook = true })
print(hooked)
