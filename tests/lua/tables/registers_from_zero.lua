-- An interpreter with registers in a table that counts from 0: one large loop over stores and loads of the array and of the
-- entry 0, in which seldom something changes what the loop relied on: an append, the kind of the elements, the table itself.

local Machine = {}
Machine.__index = Machine

function Machine.new(code)
  local r = {}
  for i = 0, 15 do r[i] = 0 end
  local mem = {}
  for i = 0, 31 do mem[i] = i * 3 end
  return setmetatable({ r = r, mem = mem, code = code, pc = 0, count = 0 }, Machine)
end

local function alu(f, a, b)
  if f == 0 then return a + b
  elseif f == 1 then return a - b
  elseif f == 2 then return a ~ b
  elseif f == 3 then return a & b
  elseif f == 4 then return a | b
  end
  return a * b & 0xFFFF
end

function Machine:load(at)
  return self.mem[at & 31] or error("nothing at " .. at)
end

function Machine:store(at, v)
  local mem = self.mem
  mem[at & 31] = v
end

function Machine:step()
  local r, pc = self.r, self.pc
  local w = self.code[pc]
  local op, d, s, t = w & 15, w >> 4 & 15, w >> 8 & 15, w >> 12 & 15
  local a, b = r[s], r[t]
  local next = pc + 1
  self.count = self.count + 1
  if op == 0 then
    r[d] = alu(w >> 16 & 7, a, b)
  elseif op == 1 then
    r[d] = w >> 16
  elseif op == 2 then
    if a ~= b then next = w >> 16 end
  elseif op == 3 then
    r[d] = self:load(a + (w >> 16))
  elseif op == 4 then
    self:store(a + (w >> 16), b)
  elseif op == 5 then
    r[d] = next
    next = w >> 16
  elseif op == 6 then
    r[#r + 1] = w >> 16
  elseif op == 7 then
    self.seldom(self, w >> 16)
  elseif op == 8 then
    return false
  end
  r[0] = 0
  self.pc = next
  return true
end

local function word(op, d, s, t, n) return op | d << 4 | s << 8 | t << 12 | (n or 0) << 16 end

local program = {
  [0] = word(1, 1, 0, 0, 40), -- r1 = 40
  word(1, 2, 0, 0, 1), -- r2 = 1
  word(1, 3, 0, 0, 0), -- r3 = 0
  word(0, 3, 3, 1, 0), -- 3: r3 = r3 + r1
  word(0, 4, 3, 1, 2), -- r4 = r3 ~ r1
  word(4, 0, 1, 4, 5), -- mem[r1 + 5] = r4
  word(3, 5, 1, 0, 4), -- r5 = mem[r1 + 4]
  word(0, 6, 5, 4, 4), -- r6 = r5 | r4
  word(0, 0, 6, 4, 4), -- r0 = r6 | r4, which stays 0
  word(5, 7, 0, 0, 11), -- r7 = 10; jump
  word(8, 0, 0, 0), -- 10: stop
  word(0, 8, 6, 3, 3), -- 11: r8 = r6 & r3
  word(0, 1, 1, 2, 1), -- r1 = r1 - r2
  word(2, 0, 1, 0, 3), -- again unless r1 == r0
  word(6, 0, 0, 0, 77), -- append
  word(7, 0, 0, 0, 1), -- seldom
  word(8, 0, 0, 0),
}

local function seldom() end

local function run(m)
  while m:step() do end
  return m
end

local function sum(t)
  local n, s = 0, 0
  for k, v in pairs(t) do
    n, s = n + 1, s + v * (k + 1)
  end
  return n, s
end

local function show(what, m)
  local n, s = sum(m.r)
  local n2, s2 = sum(m.mem)
  print(what, m.count, m.pc, #m.r, n, s, n2, s2, math.type(m.r[3]), m.r[0], m.r[16])
end

for round = 1, 30 do
  local m = Machine.new(program)
  m.seldom = seldom
  run(m)
  if round % 10 == 0 then show("round " .. round, m) end
end

-- Once more from the loop, with what changes in its middle.
local function changing(what, change)
  local m = Machine.new(program)
  local times = 0
  m.seldom = function(self, n)
    times = times + 1
    if times < 4 then
      self.r[1] = 20
      change(self, times)
      -- Behind `next` comes the stop; the loop again.
      self.code = setmetatable({ [16] = word(5, 7, 0, 0, 3) }, { __index = program })
    else
      self.code = program
    end
  end
  local ok, message = pcall(run, m)
  print(ok, ok or tostring(message):gsub("^.-:%d+: ", ""))
  show(what, m)
end

changing("nothing", function() end)
changing("floats", function(self) self.r[3] = self.r[3] + 0.0 end)
changing("floats in memory", function(self, n) self.mem[7 + n] = 2.0 end)
changing("a string", function(self) self.r[9] = "12" end)
changing("other registers", function(self)
  local r = {}
  for i = 0, 15 do r[i] = self.r[i] + (i > 2 and 1 or 0) end
  self.r = r
end)
changing("fewer", function(self)
  for i = #self.r, 9, -1 do self.r[i] = nil end
end)
changing("no memory", function(self, n) self.mem[20 + n] = nil end)
changing("float entry 0", function(self, n) self.mem[0] = 0.5 end)
changing("metatable", function(self)
  local log = 0
  setmetatable(self.r, { __newindex = function(t, k, v) log = log + k rawset(t, k, v) end })
end)
changing("counted otherwise", function(self) self.count = self.count + 0.5 end)
changing("other class", function(self)
  setmetatable(self, { __index = { step = Machine.step, store = Machine.store, load = function(_, at) return at end } })
end)

-- A hot loop with an instruction that seldom appends to what the others only change.
local function rare(n, at)
  local t, s = { 1, 2, 3, 4 }, 0
  for i = 1, n do
    local k = (i & 3) + 1
    t[k] = t[k] + i
    if i == at then t[#t + 1] = i end
    if i == at + 2 then t[#t + 1] = 0.5 end
    s = s + t[k]
  end
  return s, #t, t[5], t[6]
end
for i = 1, 3 do print(rare(200, i * 50)) end
