-- An instruction-set simulator for RV32I running a real machine program: shell sort, sieve and CRC-32
-- (tools/program.s, assembled by tools/assemble.lua). Words are kept as integers from 0 to 2^32-1.
local N = tonumber(arg[1] or 150)

local program = {
  -- BEGIN PROGRAM (made by tools/assemble.lua)
  0x00050413, 0x123454b7, 0x67848493, 0x00000917, 0x1f490913, 0x10000993, 0x00000a17, 0x5e8a0a13,
  0x7d000a93, 0x04040263, 0x04c000ef, 0x07c000ef, 0x0d4000ef, 0x128000ef, 0x00050b13, 0x00100893,
  0x00000073, 0x16c000ef, 0x00100893, 0x00000073, 0x00a4c4b3, 0x016484b3, 0x00049463, 0x00100493,
  0xfff40413, 0xfc1ff06f, 0x05d00893, 0x00000513, 0x00000073, 0x00090293, 0x00098313, 0x00d49393,
  0x0074c4b3, 0x0114d393, 0x0074c4b3, 0x00549393, 0x0074c4b3, 0x0092a023, 0x00428293, 0xfff30313,
  0xfc031ee3, 0x00008067, 0x0019d293, 0x04028a63, 0x00028313, 0x05335263, 0x00231393, 0x012383b3,
  0x0003ae03, 0x00030e93, 0x00229f13, 0x025ec063, 0x41e385b3, 0x0005a603, 0x00ce5a63, 0x00c3a023,
  0x00058393, 0x405e8eb3, 0xfe5ff06f, 0x01c3a023, 0x00130313, 0xfc1ff06f, 0x0012d293, 0xfb1ff06f,
  0x00008067, 0xff010113, 0x00112623, 0x00812423, 0x00090413, 0xfff98313, 0x00042503, 0x00442583,
  0x030000ef, 0x02050063, 0x00440413, 0xfff30313, 0xfe0314e3, 0x00812403, 0x00c12083, 0x01010113,
  0x00008067, 0x00100513, 0x05d00893, 0x00000073, 0x00a5a533, 0x00154513, 0x00008067, 0x00000293,
  0x005a0333, 0x00030023, 0x00128293, 0xff52cae3, 0x00000513, 0x00200293, 0x00100e13, 0x005a0333,
  0x00034383, 0x02039063, 0x00150513, 0x00528333, 0x01535a63, 0x006a03b3, 0x01c38023, 0x00530333,
  0xff1ff06f, 0x00128293, 0xfd52cae3, 0x00008067, 0xedb88f37, 0x320f0f13, 0xfff00513, 0x00090293,
  0x00299313, 0x01230333, 0x0002c383, 0x00754533, 0x00800e13, 0x00157e93, 0x41d00eb3, 0x01eefeb3,
  0x00155513, 0x01d54533, 0xfffe0e13, 0xfe0e14e3, 0x00128293, 0xfc62eae3, 0xfff54513, 0x00008067,
  -- END PROGRAM
}

local MEMORY = 16384

local function signed(x) return (x ~ 0x80000000) - 0x80000000 end

local Machine = {}
Machine.__index = Machine

function Machine.new(program, argument)
  local mem = {}
  for i = 0, MEMORY // 4 - 1 do mem[i] = program[i + 1] or 0 end
  local x = {}
  for i = 0, 31 do x[i] = 0 end
  x[2] = MEMORY
  x[10] = argument
  return setmetatable({ mem = mem, x = x, pc = 0, count = 0, hash = 0 }, Machine)
end

function Machine:load(f3, address)
  local word = self.mem[address >> 2] or error("load outside memory")
  if f3 == 2 then return word end
  if f3 == 0 or f3 == 4 then
    local byte = word >> ((address & 3) * 8) & 0xFF
    if f3 == 0 and byte >= 0x80 then byte = byte | 0xFFFFFF00 end
    return byte
  end
  local half = word >> ((address & 2) * 8) & 0xFFFF
  if f3 == 1 and half >= 0x8000 then half = half | 0xFFFF0000 end
  return half
end

function Machine:store(f3, address, value)
  local mem, index = self.mem, address >> 2
  local word = mem[index] or error("store outside memory")
  if f3 == 2 then
    mem[index] = value
  elseif f3 == 0 then
    local shift = (address & 3) * 8
    mem[index] = word & ~(0xFF << shift) | (value & 0xFF) << shift
  else
    local shift = (address & 2) * 8
    mem[index] = word & ~(0xFFFF << shift) | (value & 0xFFFF) << shift
  end
end

local function alu(f3, alternative, a, b)
  if f3 == 0 then
    if alternative then return (a - b) & 0xFFFFFFFF end
    return (a + b) & 0xFFFFFFFF
  elseif f3 == 1 then
    return a << (b & 31) & 0xFFFFFFFF
  elseif f3 == 2 then
    return signed(a) < signed(b) and 1 or 0
  elseif f3 == 3 then
    return a < b and 1 or 0
  elseif f3 == 4 then
    return a ~ b
  elseif f3 == 5 then
    if alternative then return signed(a) // (1 << (b & 31)) & 0xFFFFFFFF end
    return a >> (b & 31)
  elseif f3 == 6 then
    return a | b
  end
  return a & b
end

local function taken(f3, a, b)
  if f3 == 0 then return a == b end
  if f3 == 1 then return a ~= b end
  if f3 == 4 then return signed(a) < signed(b) end
  if f3 == 5 then return signed(a) >= signed(b) end
  if f3 == 6 then return a < b end
  return a >= b
end

-- Executes one instruction; false when the program asked to stop.
function Machine:step()
  local x, pc = self.x, self.pc
  local w = self.mem[pc >> 2]
  local op, rd, f3 = w & 0x7F, w >> 7 & 31, w >> 12 & 7
  local a, b = x[w >> 15 & 31], x[w >> 20 & 31]
  local nextpc = pc + 4
  self.count = self.count + 1
  if op == 0x13 then -- arithmetic with an immediate
    local imm = w >> 20
    if imm >= 0x800 then imm = imm | 0xFFFFF000 end
    x[rd] = alu(f3, f3 == 5 and w & 0x40000000 ~= 0, a, imm)
  elseif op == 0x33 then -- arithmetic with two registers
    x[rd] = alu(f3, w & 0x40000000 ~= 0, a, b)
  elseif op == 0x63 then -- branch
    if taken(f3, a, b) then
      local offset = (w >> 8 & 15) << 1 | (w >> 25 & 63) << 5 | (w >> 7 & 1) << 11
      if w & 0x80000000 ~= 0 then offset = offset - 4096 end
      nextpc = pc + offset
    end
  elseif op == 0x03 then -- load
    local offset = w >> 20
    if offset >= 0x800 then offset = offset - 0x1000 end
    x[rd] = self:load(f3, (a + offset) & 0xFFFFFFFF)
  elseif op == 0x23 then -- store
    local offset = (w >> 25) << 5 | rd
    if offset >= 0x800 then offset = offset - 0x1000 end
    self:store(f3, (a + offset) & 0xFFFFFFFF, b)
  elseif op == 0x6F then -- jal
    local offset = (w >> 21 & 0x3FF) << 1 | (w >> 20 & 1) << 11 | (w >> 12 & 0xFF) << 12
    if w & 0x80000000 ~= 0 then offset = offset - 0x100000 end
    x[rd] = nextpc
    nextpc = pc + offset
  elseif op == 0x67 then -- jalr
    local offset = w >> 20
    if offset >= 0x800 then offset = offset - 0x1000 end
    x[rd] = nextpc
    nextpc = (a + offset) & 0xFFFFFFFE
  elseif op == 0x37 then -- lui
    x[rd] = w & 0xFFFFF000
  elseif op == 0x17 then -- auipc
    x[rd] = (pc + (w & 0xFFFFF000)) & 0xFFFFFFFF
  elseif op == 0x73 then -- ecall
    if x[17] == 93 then return false end
    self.hash = (self.hash * 31 + x[10]) % 1000000007
  else
    error(string.format("illegal instruction %08x at %x", w, pc))
  end
  x[0] = 0
  self.pc = nextpc
  return true
end

local machine = Machine.new(program, N)
while machine:step() do end
print(string.format("rv32i %d %d %d", machine.x[10], machine.count, machine.hash))
