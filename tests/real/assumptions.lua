-- Assumptions broken at random, by `load` and the debug library, while the code that relies on them runs. The argument is the seed; 0 breaks nothing: by
-- such a run the program is compiled (tests/assumptions.sh).
local seed = tonumber(arg[1] or 0)
local state = seed * 2654435761 % 4294967296

local function random(n)
  state = (state * 1103515245 + 12345) % 4294967296
  return state // 65536 % n
end

function G_add(a, b) return a + b end
local Class = {}
Class.__index = Class
function Class.new(x, y) return setmetatable({ x = x, y = y }, Class) end
function Class:get() return self.x * 2 + self.y end
local Child = setmetatable({}, { __index = Class })
Child.__index = Child

local K, other_K = 10, 77
local function inc(x) return x + K end
local function other_inc(x) return x - other_K end
local objects, array, poke = {}, {}, nil
local function reset()
  for i = 1, 8 do objects[i] = setmetatable({ x = i, y = i + 1 }, i % 2 == 0 and Child or Class) end
  for i = 1, 16 do array[i] = i end
end
reset()

-- What is under test; `poke` may break anything in the middle.
local tests = {}
function tests.globals(n)
  local s = 0
  for i = 1, n do
    s = G_add(s, math.floor(i / 2)) + #string.sub("abcdef", 2, i % 6)
    poke(i)
  end
  return s
end
function tests.fields(n)
  local s = 0
  for i = 1, n do
    local o = objects[i % 8 + 1]
    s = s + o.x - o.y
    o.y = o.y + 1
    poke(i)
    o.y = o.y - 1
  end
  return s
end
function tests.methods(n)
  local s = 0
  for i = 1, n do
    local o = objects[i % 8 + 1]
    s = s + o:get()
    poke(i)
  end
  return s
end
function tests.upvalues(n)
  local s = 0
  for i = 1, n do
    s = inc(s) % 1000
    poke(i)
    s = s + K
  end
  return s
end
function tests.elements(n)
  local s = 0
  for i = 1, n do
    for k = 1, #array do s = s + array[k] end
    poke(i)
    array[i % 16 + 1] = i
  end
  return s
end
function tests.strings(n)
  local s = 0
  for i = 1, n do
    s = s + #("ab"):rep(i % 4) + ("x"):byte()
    poke(i)
  end
  return s
end
function tests.iterators(n)
  local s = 0
  for i = 1, n do
    for k, v in ipairs(array) do s = s + k * v end
    for _, o in pairs(objects) do s = s + o.x end
    poke(i)
  end
  return s
end
function tests.inlined(n)
  local s, t = 1, 0.5
  local function inner(x)
    poke(x)
    return x + s
  end
  for i = 1, n do
    s = (inner(i) + s) % 997
    t = t * 0.5 + i
  end
  return s + t
end

local function level_of(name)
  for level = 2, 12 do
    local info = debug.getinfo(level, "f")
    if not info then return end
    if info.func == tests[name] then return level - 1 end
  end
end

-- Each returns what undoes it.
local running
local breaks = {
  function() return load("local old = math.floor; math.floor = function(x) return x // 1 + 1 end; return function() math.floor = old end")() end,
  function() return load("local old = G_add; G_add = function(a, b) return a - b end; return function() G_add = old end")() end,
  function() return load("local old = string.sub; string.sub = nil; return function() string.sub = old end")() end,
  function()
    local old = Class.get
    Class.get = random(2) == 0 and function(self) return self.y end or nil
    return function() Class.get = old end
  end,
  function()
    Child.get = function() return 5.5 end
    return function() Child.get = nil end
  end,
  function()
    local old = Class.__index
    Class.__index = function(_, k) return k == "get" and function() return 3 end or 4 end
    return function() Class.__index = old end
  end,
  function()
    local old = K
    debug.setupvalue(inc, 1, random(2) == 0 and 2.5 or 1000)
    return function() debug.setupvalue(inc, 1, old) end
  end,
  function()
    debug.upvaluejoin(tests.upvalues, 1, function() return other_inc end, 1)
    return function() debug.upvaluejoin(tests.upvalues, 1, function() return inc end, 1) end
  end,
  function()
    local o = objects[random(8) + 1]
    local what = ({ "12", 2.25, false, 1 << 62 })[random(4) + 1]
    o.x = what or nil
    return reset
  end,
  function()
    array[random(16) + 1] = ({ "7", 0.5, nil, 1 << 62 })[random(4) + 1]
    return reset
  end,
  function()
    setmetatable(array, { __index = function(_, k) return k <= 40 and k or nil end, __len = function() return 18 end })
    return function() setmetatable(array, nil) reset() end
  end,
  function()
    local mt = getmetatable("")
    local old = mt.__index
    mt.__index = function(_, k) return k == "byte" and function() return 2 end or old[k] end
    return function() mt.__index = old end
  end,
  function()
    debug.setmetatable(nil, { __add = function() return 1 end, __index = function() return 6 end, __call = function() return 9 end })
    return function() debug.setmetatable(nil, nil) end
  end,
  function()
    local level = level_of(running)
    for i = 1, level and 20 or 0 do
      local name, value = debug.getlocal(level, i)
      if not name then break end
      if name == "s" and math.type(value) then
        debug.setlocal(level, i, random(2) == 0 and value + 0.25 or -3)
        break
      end
    end
  end,
  function()
    local count = 0
    debug.sethook(function() count = count + 1 end, random(2) == 0 and "l" or "cr")
    return function() debug.sethook() end
  end,
  function()
    local i = 0
    repeat
      i = i + 1
      local name = debug.getupvalue(tests.globals, i)
    until not name or name == "_ENV"
    debug.upvaluejoin(tests.globals, i, load("return x"), 1)
    local f = tests.globals
    local env = setmetatable({ G_add = function(a, b) return a * 2 - b end }, { __index = _G })
    debug.setupvalue(f, i, env)
    return function() debug.setupvalue(f, i, _G) end
  end,
  function() error({}) end,
}

local undo, left = {}, 0
function poke(i)
  if seed == 0 then return end
  left = left - 1
  if left > 0 then return end
  left = 1 + random(150)
  if #undo > 0 and random(2) == 0 then
    table.remove(undo)()
  else
    undo[#undo + 1] = breaks[random(#breaks) + 1]()
  end
end

local names = {}
for name in pairs(tests) do names[#names + 1] = name end
table.sort(names)
for round = 1, 12 do
  for _, name in ipairs(names) do
    running = name
    local ok, result = pcall(tests[name], 60)
    debug.sethook()
    while #undo > 0 do table.remove(undo)() end
    print(round, name, ok, type(result) == "table" and "table" or result)
    if random(3) == 0 then reset() end
  end
end
