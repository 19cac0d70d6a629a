-- Fields that every iteration loads and stores, truth values that are asked again, results that only some ways need: what a
-- loop keeps in registers must be in memory whenever somebody looks.

local function signed(x) return (x ~ 0x80) - 0x80 end

local function alu(op, other, a, b)
  if op == 0 then
    if other then return (a - b) & 255 end
    return (a + b) & 255
  elseif op == 1 then
    return a << (b & 7) & 255
  elseif op == 2 then
    return signed(a) < signed(b) and 1 or 0
  elseif op == 3 then
    if other then return signed(a) // (1 << (b & 7)) & 255 end
    return a >> (b & 7)
  end
  return a ~ b
end

local Machine = {}
Machine.__index = Machine

function Machine.new(code)
  local x = {}
  for i = 0, 15 do x[i] = 0 end
  return setmetatable({ code = code, x = x, pc = 0, count = 0, sum = 0.5 }, Machine)
end

function Machine:step()
  local x, pc = self.x, self.pc
  local w = self.code[pc + 1]
  local kind, rd, op = w & 3, w >> 2 & 15, w >> 6 & 7
  local a, b = x[w >> 9 & 15], x[w >> 13 & 15]
  local next = pc + 1
  self.count = self.count + 1
  self.sum = self.sum + 0.25
  if kind == 0 then
    x[rd] = alu(op, w & 0x20000 ~= 0, a, b)
  elseif kind == 1 then
    x[rd] = alu(op, op == 3 and w & 0x20000 ~= 0, a, w >> 18 & 255)
  elseif kind == 2 then
    if (a < b) == (w & 0x20000 ~= 0) then next = pc + (w >> 18 & 255) - 128 end
  else
    if op == 7 then return false end
    x[rd] = next
    next = (a + (w >> 18 & 255)) & 255
  end
  x[0] = 0
  self.pc = next
  return true
end

local function enc(kind, rd, op, ra, rb, other, imm)
  return kind | rd << 2 | op << 6 | ra << 9 | rb << 13 | (other and 0x20000 or 0) | (imm or 0) << 18
end

local code = {
  enc(1, 1, 0, 0, 0, false, 0),    -- x1 = 0
  enc(1, 2, 0, 0, 0, false, 100),  -- x2 = 100
  enc(1, 1, 0, 1, 0, false, 1),    -- x1 = x1 + 1
  enc(0, 3, 0, 3, 1, false),       -- x3 = x3 + x1
  enc(0, 4, 0, 3, 2, true),        -- x4 = x3 - x2
  enc(0, 5, 2, 4, 3, false),       -- x5 = x4 < x3, with signs
  enc(1, 6, 3, 4, 0, true, 2),     -- x6 = x4 >> 2, with sign
  enc(0, 7, 4, 6, 3, false),       -- x7 = x6 ~ x3
  enc(0, 0, 0, 6, 3, false),       -- x0 stays
  enc(1, 8, 3, 7, 0, false, 1),    -- x8 = x7 >> 1
  enc(2, 0, 0, 1, 2, true, 120),   -- if x1 < x2 then back by 8
  enc(3, 0, 7, 0, 0, false),       -- stop
}

local function run(m)
  while m:step() do end
  return m.x[3], m.x[7], m.x[8], m.pc, m.count, m.sum
end
for _ = 1, 30 do run(Machine.new(code)) end
print(run(Machine.new(code)))

-- Somebody looks while the loop runs.
do
  local m, seen, last = Machine.new(code), 0, -1
  debug.sethook(function()
    seen = seen + 1
    assert(m.count >= last and m.sum == 0.5 + m.count * 0.25 or m.sum == 0.5 + (m.count - 1) * 0.25)
    last = m.count
  end, "", 7)
  print(run(m))
  debug.sethook()
  print(seen > 0)
end

-- An error in the middle leaves what was stored.
do
  local bad = table.move(code, 1, #code, 1, {})
  bad[9] = "none"
  local m = Machine.new(bad)
  print(pcall(run, m))
  print(m.pc, m.count, m.sum)
  bad[9] = nil
  m = Machine.new(bad)
  print(pcall(run, m))
  print(m.pc, m.count, m.sum)
end

-- Other kinds than training saw.
do
  local m = Machine.new(code)
  m.count = 0.5
  m.sum = 1
  print(run(m))
  m = Machine.new(code)
  m.pc = 2.0
  print(run(m))
  m = Machine.new(code)
  m.count = math.maxinteger - 3
  print(run(m))
end

-- A plain loop over a field, left in several ways.
local function scan(s, list, stop)
  s.at, s.total = 0, 0
  while true do
    local at = s.at + 1
    local v = list[at]
    if v == nil then return "end", s.at, s.total end
    local odd, nextto = v & 1 == 1, at + 3
    if v == stop then return "stop", s.at, s.total, nextto end
    if odd then s.total = s.total + v elseif v > 50 then s.total = s.total - nextto end
    if odd and v > 90 then s.total = s.total ~ nextto end
    s.at = at
  end
end
local list = {}
for i = 1, 200 do list[i] = i * 37 % 101 end
local s = { at = 0, total = 0 }
for i = 1, 30 do scan(s, list, i * 7) end
print(scan(s, list, 8))
print(scan(s, list, -1))
print(s.at, s.total)
list[150] = 2.5
print(pcall(scan, s, list, -1))
print(s.at, s.total)

-- The object of the field is itself stored to under another name.
local function alias(a, b, n)
  a.n = 0
  for i = 1, n do
    local k = a.n
    a.n = k + 1
    b.n = b.n + i
  end
  return a.n, b.n
end
local one, two = { n = 0 }, { n = 0 }
for _ = 1, 30 do alias(one, two, 40) end
print(alias(one, two, 40))
print(alias(one, one, 40))
