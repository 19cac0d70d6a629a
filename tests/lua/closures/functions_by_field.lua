-- Functions that fields lead to: methods through one and two metatables, of modules, global ones. What a training run sees is one
-- function at each place; afterwards they change.
local training = os.getenv("TRINITY_PROFILE")

local Base = {}
Base.__index = Base
function Base.new(class, n) return setmetatable({ n = n, log = {} }, class) end
function Base:add(k) self.n = self.n + k return self.n end
function Base:twice(k) return self:add(k) + self:add(k) end
local Derived = setmetatable({}, Base)
Derived.__index = Derived
function Derived:mark(k) self.log[#self.log + 1] = k return self:add(k) end

local function drive(o, n, hook)
  local t = 0
  for i = 1, n do
    if hook then hook(o, i) end
    t = t + o:mark(i) + o:twice(i)
  end
  return t
end
print(drive(Derived:new(1), 40))

-- A function of a module and a global one.
local M = {}
function M.scale(x) return x * 3 end
function Global(x) return x + 1 end
local function use(n, hook)
  local t = 0
  for i = 1, n do
    if hook then hook(i) end
    t = t + M.scale(i) + Global(i)
  end
  return t
end
print(use(40))

-- A large method with one caller, in a loop of the main chunk.
local Machine = {}
Machine.__index = Machine
function Machine:step()
  local x = self.x
  local op = x[self.pc & 3]
  self.pc = self.pc + 1
  self.count = self.count + 1
  if op == 0 then x[0] = self.pc & 1
  elseif op == 1 then x[1] = (x[1] + self.count) & 1
  elseif op == 2 then x[2] = x[2] ~ 2
  else x[3] = 3 end
  if self.count & 0x80000000 ~= 0 then self.count = 0 end
  if self.pc > self.limit then return false end
  x[0] = 0
  return true
end
local m = setmetatable({ x = { [0] = 0, 1, 2, 3 }, pc = 0, count = 0, limit = 60 }, Machine)
while m:step() do end
print(m.pc, m.count, m.x[0], m.x[1], m.x[2], m.x[3])

-- What the collector leaves of the functions.
collectgarbage()
print(drive(Derived:new(2), 5), use(5))

if not training then
  -- The object gets a field of this name, by assignment and by rawset.
  print(drive(Derived:new(1), 10, function(o, i)
    if i == 4 then o.add = function(self, k) return k end end
    if i == 6 then rawset(o, "add", nil) end
    if i == 8 then rawset(o, "mark", function() return 1000 end) end
  end))
  -- Another metatable.
  local Other = { __index = { mark = function() return 1 end, twice = function() return 2 end } }
  print(drive(Derived:new(1), 10, function(o, i) if i == 5 then setmetatable(o, Other) end end))
  print(pcall(drive, Derived:new(1), 10, function(o, i) if i == 5 then setmetatable(o, nil) end end))
  -- The chain changes: a method in between, another base, a function as __index.
  print(drive(Derived:new(1), 10, function(o, i)
    if i == 3 then function Derived:add(k) self.n = self.n - k return self.n end end
    if i == 7 then Derived.add = nil end
  end))
  print(drive(Derived:new(1), 10, function(o, i)
    if i == 3 then setmetatable(Derived, { __index = function(_, key) return key ~= "none" and Base[key] or nil end }) end
    if i == 7 then setmetatable(Derived, Base) end
  end))
  local asked = 0
  print(drive(Derived:new(1), 10, function(o, i)
    if i == 3 then Derived.__index = function(_, key) asked = asked + 1 return Derived[key] end end
    if i == 8 then Derived.__index = Derived end
  end), asked)
  -- The prototype's method is replaced while it is called, and is none any more.
  local add = Base.add
  print(drive(Derived:new(1), 10, function(o, i)
    if i == 5 then function Base:add(k) Base.add = add return 100 end end
  end))
  print(pcall(drive, Derived:new(1), 10, function(o, i) if i == 6 then Base.add = nil end end))
  Base.add = setmetatable({}, { __call = function(_, o, k) return k end })
  print(drive(Derived:new(1), 5))
  Base.add = math.max
  print(pcall(drive, Derived:new(1), 5))
  Base.add = add
  print(drive(Derived:new(1), 5))
  -- Objects of other shapes, strings, numbers and nil as receivers.
  local o = Derived:new(3)
  o.more, o.log = 1, nil
  print(pcall(drive, o, 5))
  o.log = {}
  print(drive(o, 5))
  for i = 1, 40 do o["f" .. i] = i end
  print(drive(o, 5))
  print(select(2, pcall(drive, "text", 1)))
  print(select(2, pcall(drive, 5, 1)))
  print(select(2, pcall(drive, nil, 1)))
  -- Modules and globals.
  print(use(10, function(i)
    if i == 3 then M.scale = function(x) return -x end end
    if i == 6 then Global = function(x) return 10 * x end end
  end))
  print(pcall(use, 10, function(i) if i == 4 then Global = nil end end))
  setmetatable(_G, { __index = function(_, name) return function(x) return #name * x end end })
  print(use(10))
  setmetatable(_G, nil)
  function Global(x) return x + 1 end
  M = nil
  print(select(2, pcall(use, 2)))
  -- Element 0 is of another kind, then nothing; the table has a metatable.
  m.pc, m.x = 0, { [0] = 1.5, 1, 2, 3 }
  local steps = 0
  repeat
    steps = steps + 1
    if steps == 10 then m.x[0] = "zero" end
    if steps == 20 then m.x[0] = nil end
    if steps == 30 then m.x = setmetatable({ 1, 2, 3 }, { __newindex = function(t, k, v) rawset(t, k, v) end, __index = function() return 0 end }) end
    if steps == 40 then m.count = 0x7fffffff end
    if steps == 50 then function Machine:step() return false end end
  until not m:step()
  print(steps, m.pc, m.count, m.x[0], m.x[1], m.x[2], m.x[3])
end

-- A coroutine inside a method; the function changes while it waits.
local Waiter = {}
Waiter.__index = Waiter
function Waiter:wait(k) return coroutine.yield(k) + 1 end
local function waits(w, n) local t = 0 for i = 1, n do t = t + w:wait(i) end return t end
local co = coroutine.wrap(waits)
local k = co(setmetatable({}, Waiter), 20)
for i = 1, 20 do
  if i == 10 and not training then function Waiter:wait(k) return k + 0.5 end end
  k = co(i)
  if math.type(k) == "float" then print(k) break end
end
print(k)

-- Captured variables of a method are changed from outside: its code is given up.
local Holder = {}
Holder.__index = Holder
local secret = 5
function Holder:reveal(k) return secret + k end
function Holder:long(k)
  local t = 0
  for i = 1, 3 do t = t + i * k end
  for i = 1, 3 do t = t - i end
  return t + secret
end
local function reveal(h, n, hook)
  local t = 0
  for i = 1, n do
    if hook then hook(i) end
    t = t + h:reveal(i) + h:long(i)
  end
  return t
end
local h = setmetatable({}, Holder)
print(reveal(h, 30))
if not training then
  print(reveal(h, 30, function(i) if i == 10 then debug.setupvalue(Holder.reveal, 1, 50) end end))
  print(reveal(h, 30, function(i) if i == 10 then debug.setupvalue(Holder.long, 1, -1) end end))
end
print(secret)
