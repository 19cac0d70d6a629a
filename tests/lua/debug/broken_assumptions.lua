-- What compiled loops rely on is changed while they run: globals, library functions, metatables, captured variables, local variables of running
-- frames, environments; by plain code, by `load`ed code, by the debug library and in hooks. At random, with a generator of its own.
local seed = 20261121
local function random(n)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return (seed >> 8) % n + 1
end

local calm = false
local depth = 0
function step(x) return x + 1 end
function scale(x) return x * 2 end
limit = 40
local original = { step = step, scale = scale, floor = math.floor, byte = string.byte, abs = math.abs, assert = assert, sub = string.sub,
  sqrt = math.sqrt, insert = table.insert, max = math.max, select = select, type = type }

local array, record, floats, class, object
local captured, counter, step_by = 1, 0, 2

local function reset()
  step, scale, limit = original.step, original.scale, 40
  math.floor, string.byte, math.abs, math.sqrt, math.max = original.floor, original.byte, original.abs, original.sqrt, original.max
  assert, select, type, string.sub, table.insert = original.assert, original.select, original.type, original.sub, original.insert
  array, floats = {}, {}
  for i = 1, 30 do array[i] = i floats[i] = i / 4 end
  record = { x = 1, y = 2.5, name = "r" }
  class = {}
  class.__index = class
  function class:get() return self.value end
  function class:add(n) self.value = self.value + n return self end
  object = setmetatable({ value = 10 }, class)
  captured, counter, step_by = 1, 0, 2
  debug.sethook()
end

local disturb

-- Loops, each with something that it relies on, and a call in the middle that may change it.
local work = {}
function work.globals()
  local s = 0
  for i = 1, limit do
    s = step(s) + scale(i)
    if i % 9 == 0 then disturb() end
  end
  return s
end
function work.library()
  local s = 0
  local text = "some text to read"
  for i = 1, 40 do
    s = s + math.floor(i / 3) + string.byte(text, i % 17 + 1) + math.abs(-i) + #string.sub(text, i % 5 + 1, -2)
    if i % 11 == 0 then disturb() end
    assert(s == s)
  end
  return s
end
function work.arrays()
  local s, a, f = 0, array, floats
  for i = 1, 30 do
    s = s + a[i] * f[i]
    a[i] = a[i] + 1
    if i % 7 == 0 then disturb() end
    s = s - (a[i] or 0) + #a
  end
  return s
end
function work.fields()
  local s, r = 0, record
  for i = 1, 30 do
    s = s + r.x * r.y
    r.x = r.x + 1
    if i % 8 == 0 then disturb() end
    r.y = r.y - 0.5
  end
  return s
end
function work.methods()
  local o = object
  for i = 1, 30 do
    o:add(i)
    if i % 8 == 0 then disturb() end
    if o:get() > 1e6 then o.value = 0 end
  end
  return o:get()
end
function work.upvalues()
  local s = 0
  for i = 1, 30 do
    s = s + captured
    counter = counter + step_by
    if i % 6 == 0 then disturb() end
    s = s + counter
  end
  return s
end
function work.locals()
  local n, x, t = 0, 1.5, { 1, 2, 3 }
  for i = 1, 30 do
    n = n + i
    x = x * 1.25
    if i % 6 == 0 then disturb() end
    n = n + t[i % 3 + 1]
    if x > 100 then x = x / 100 end
  end
  return n, x
end
function work.closures()
  local total = 0
  local function bump(k) total = total + k return total end
  local last
  for i = 1, 30 do
    last = bump(i)
    if i % 6 == 0 then disturb() end
  end
  return total, last
end
function work.iterators()
  local s = 0
  for i, v in ipairs(array) do
    s = s + i * v
    if i % 9 == 0 then disturb() end
  end
  for k, v in pairs(record) do s = s + #k if v == nil then s = s + 1 end end
  return s
end
function work.inner()
  local function one(t, k) return t[k] end
  local function two(t, k) local v = one(t, k) if k % 10 == 0 then disturb() end return v + one(t, k) end
  local s = 0
  for i = 1, 30 do s = s + two(array, i) end
  return s
end
local names = {}
for name in pairs(work) do names[#names + 1] = name end
table.sort(names)

-- What may be changed; each is told its depth so that frames can be found.
local values = { 3, 2.5, "7", "word", 1 << 40, -1, false }
local changes = {
  function() step = function(x) return x + 2 end end,
  function() step = function(x) return x + 0.5 end end,
  function() scale = nil end,
  function() limit = 5 step = original.scale end,
  function() math.floor = function(x) return original.floor(x) + 1 end end,
  function() string.byte = function() return 1 end end,
  function() math.abs = math.sqrt end,
  function() assert = function(...) return ... end end,
  function() string.sub = function(s) return s end end,
  function() array[random(30)] = values[random(#values)] end,
  function() array[random(30)] = nil end,
  function() for i = #array, 20, -1 do array[i] = nil end end,
  function() floats[random(30)] = random(100) end,
  function() setmetatable(array, { __index = function(_, k) return k end, __len = function() return 3 end }) end,
  function() record.x = values[random(#values)] end,
  function() record.y = nil end,
  function() record.other = 1 record.more = 2 record.x = 1 end,
  function() setmetatable(record, { __index = { x = 9, y = 8.5 }, __newindex = function(t, k, v) rawset(t, k, v) end }) end,
  function() class.add = function(self, n) self.value = self.value - n return self end end,
  function() class.get = nil end,
  function() setmetatable(object, { __index = { get = function() return 7 end, add = function() end } }) end,
  function() object.get = function() return 1 end end,
  function() object.value = values[random(#values)] end,
  function() load("step = function(x) return x * 3 end limit = limit + 1")() end,
  function() load("local t = ... t.x = (t.x or 0) .. ''")(record) end,
  function() for i = 1, 3 do debug.setupvalue(work.upvalues, i, values[random(4)]) end end,
  function()
    local i = 1
    while debug.getupvalue(work.upvalues, i) do
      if debug.getupvalue(work.upvalues, i) == "captured" then debug.setupvalue(work.upvalues, i, values[random(#values)]) end
      i = i + 1
    end
  end,
  function() captured = values[random(#values)] end,
  function() step_by = 0.25 end,
  function()
    -- A local variable of the loop that called.
    local info = debug.getinfo(4, "f")
    if info and info.func ~= disturb then
      local n = random(6)
      local name, old = debug.getlocal(4, n)
      if name and name:sub(1, 1) ~= "(" and type(old) == "number" then debug.setlocal(4, n, values[random(2)]) end
    end
  end,
  function()
    local info = debug.getinfo(4, "f")
    local name = info and debug.getlocal(4, 2)
    if name == "x" then debug.setlocal(4, 2, "12") end
  end,
  function()
    local n = 0
    debug.sethook(function() n = n + 1 if n == 3 then record.x = 5 debug.sethook() end end, "l")
  end,
  function() debug.sethook(function() limit = limit + 0 end, "", 7) end,
  function() collectgarbage("step") end,
  function() coroutine.wrap(function() disturb() coroutine.yield() end)() end,
  function() local co = coroutine.wrap(function() return work[names[random(#names)]]() end) pcall(co) end,
  function() error("thrown") end,
  function() error({}) end,
  function()
    local env = setmetatable({}, { __index = _G })
    env.step = function(x) return x + 10 end
    local i = 1
    while true do
      local name = debug.getupvalue(work.globals, i)
      if not name then break end
      if name == "_ENV" then
        debug.upvaluejoin(work.globals, i, (function() return env end), 1)
      end
      i = i + 1
    end
  end,
  function()
    local i = 1
    while true do
      local name = debug.getupvalue(work.globals, i)
      if not name then break end
      if name == "_ENV" then debug.upvaluejoin(work.globals, i, (function() return _G end), 1) end
      i = i + 1
    end
  end,
}

function disturb()
  if calm or depth > 2 or random(3) > 1 then return end
  depth = depth + 1
  local ok, e = pcall(changes[random(#changes)])
  depth = depth - 1
  if not ok then error(e, 0) end
end

local function show(...)
  local out = {}
  for i = 1, original.select("#", ...) do
    local v = original.select(i, ...)
    local t = original.type(v)
    if t == "number" and v ~= v then v = "nan"
    elseif t == "number" and math.type(v) == "float" then v = ("%.10g"):format(v)
    elseif t == "table" or t == "function" then v = t end
    out[i] = tostring(v)
  end
  return table.concat(out, " ")
end

-- Undisturbed first, for a profile to see.
reset()
calm = true
for round = 1, 20 do
  for _, name in original.assert(ipairs(names)) do
    reset()
    local line = name .. ": " .. show(pcall(work[name]))
    if round == 20 then print(line) end
  end
end
calm = false
for round = 1, 400 do
  reset()
  local name = names[random(#names)]
  local line = round .. " " .. name .. ": " .. show(pcall(work[name]))
  -- Again, with what the first run left.
  line = line .. " / " .. show(pcall(work[name]))
  debug.sethook()
  print(line)
end
