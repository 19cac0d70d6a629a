-- Indices that are parts of words: one look at the length in front of the loop stands for the checks of all of them, and arrays that are
-- shorter, or become so, are found out.

local Machine = {}
Machine.__index = Machine

local function new(registers, words)
  local x = {}
  for i = 0, registers - 1 do x[i] = i end
  return setmetatable({ x = x, words = words, pc = 1, steps = 0, strange = nil }, Machine)
end

function Machine:step()
  local x = self.x
  local w = self.words[self.pc]
  if not w then return false end
  local a, b, d = x[w & 15], x[w >> 4 & 15], w >> 8 & 15
  self.steps = self.steps + 1
  if w >> 12 == 0 then
    x[d] = a + b & 0xffff
  elseif w >> 12 == 1 then
    x[d] = a ~ b
  elseif w >> 12 == 2 then
    x[d] = a * 3 & 0xffff
  else
    self.strange(self, d)
  end
  x[0] = 0
  self.pc = self.pc + 1
  return true
end

local function run(registers, words, strange)
  local m = new(registers, words)
  m.strange = strange
  local ok, message = pcall(function() while m:step() do end end)
  local all = {}
  for i = 0, registers do all[#all + 1] = tostring(m.x[i]) end
  print(registers, ok, ok or message:gsub("^.-:%d+: ", ""), m.steps, table.concat(all, " "))
end

local function program(n, mask)
  local words, seed = {}, 12345
  for i = 1, n do
    seed = seed * 1103515245 + 12345 & 0x7fffffff
    words[i] = (seed >> 8 & mask) | (i % 3) << 12
  end
  return words
end

local words = program(5000, 0xfff)
run(16, words)
-- Exactly as many, one fewer, few.
run(15, words)
run(8, program(5000, 0x777))
run(9, words)
run(1, program(100, 0))
run(40, words)

-- In the middle something changes: the array gets shorter, longer, other elements, another table.
local function strange(at, change)
  local list = program(5000, 0xfff)
  list[at] = 3 << 12 | 5 << 8
  run(16, list, change)
end
strange(2500, function(m) m.x[15] = nil end)
strange(2500, function(m) for i = 15, 3, -1 do m.x[i] = nil end end)
strange(2500, function(m) for i = 16, 30 do m.x[i] = i end end)
strange(2500, function(m) m.x[7] = 1.5 end)
strange(2500, function(m) m.x = { [0] = 1, 2, 3 } end)
strange(2500, function(m) m.x = setmetatable({}, { __index = function(_, k) return k end }) end)
strange(4999, function(m) m.x[0] = nil end)

-- Without the place 0, and with offsets.
local function sums(t, list)
  local s = 0
  for i = 1, #list do
    local w = list[i]
    s = s + t[(w & 7) + 1] - t[(w >> 3 & 7) + 3]
    if s < -100000 then t[#t + 1] = s end
  end
  return s
end
local ten = { 5, 3, 8, 1, 9, 2, 7, 4, 6, 10 }
for _ = 1, 5 do sums(ten, words) end
print(sums(ten, words), #ten)
ten[10] = nil
print(pcall(sums, ten, words))
print(sums({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 1 << 20 }, words))
