-- An instruction-set simulator for RV32I running a real machine program: shell sort, sieve and CRC-32.
-- Words are kept as signed 32-bit numbers, as the bit library returns them.
local bit = require("bit")
local band, bor, bxor, bnot, lshift, rshift, arshift, tobit =
  bit.band, bit.bor, bit.bxor, bit.bnot, bit.lshift, bit.rshift, bit.arshift, bit.tobit
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

local Machine = {}
Machine.__index = Machine

function Machine.new(program, argument)
  local mem = {}
  for i = 0, MEMORY / 4 - 1 do mem[i] = tobit(program[i + 1] or 0) end
  local x = {}
  for i = 0, 31 do x[i] = 0 end
  x[2] = MEMORY
  x[10] = argument
  return setmetatable({ mem = mem, x = x, pc = 0, count = 0, hash = 0 }, Machine)
end

function Machine:load(f3, address)
  local word = self.mem[rshift(address, 2)] or error("load outside memory")
  if f3 == 2 then return word end
  if f3 == 0 or f3 == 4 then
    local byte = band(rshift(word, band(address, 3) * 8), 0xFF)
    if f3 == 0 and byte >= 0x80 then byte = byte - 0x100 end
    return byte
  end
  local half = band(rshift(word, band(address, 2) * 8), 0xFFFF)
  if f3 == 1 and half >= 0x8000 then half = half - 0x10000 end
  return half
end

function Machine:store(f3, address, value)
  local mem, index = self.mem, rshift(address, 2)
  local word = mem[index] or error("store outside memory")
  if f3 == 2 then
    mem[index] = value
  elseif f3 == 0 then
    local shift = band(address, 3) * 8
    mem[index] = bor(band(word, bnot(lshift(0xFF, shift))), lshift(band(value, 0xFF), shift))
  else
    local shift = band(address, 2) * 8
    mem[index] = bor(band(word, bnot(lshift(0xFFFF, shift))), lshift(band(value, 0xFFFF), shift))
  end
end

local function below(a, b) -- unsigned
  return bxor(a, 0x80000000) < bxor(b, 0x80000000)
end

local function alu(f3, alternative, a, b)
  if f3 == 0 then
    if alternative then return tobit(a - b) end
    return tobit(a + b)
  elseif f3 == 1 then
    return lshift(a, b)
  elseif f3 == 2 then
    return a < b and 1 or 0
  elseif f3 == 3 then
    return below(a, b) and 1 or 0
  elseif f3 == 4 then
    return bxor(a, b)
  elseif f3 == 5 then
    if alternative then return arshift(a, b) end
    return rshift(a, b)
  elseif f3 == 6 then
    return bor(a, b)
  end
  return band(a, b)
end

local function taken(f3, a, b)
  if f3 == 0 then return a == b end
  if f3 == 1 then return a ~= b end
  if f3 == 4 then return a < b end
  if f3 == 5 then return a >= b end
  if f3 == 6 then return below(a, b) end
  return not below(a, b)
end

-- Executes one instruction; false when the program asked to stop.
function Machine:step()
  local x, pc = self.x, self.pc
  local w = self.mem[rshift(pc, 2)]
  local op, rd, f3 = band(w, 0x7F), band(rshift(w, 7), 31), band(rshift(w, 12), 7)
  local a, b = x[band(rshift(w, 15), 31)], x[band(rshift(w, 20), 31)]
  local nextpc = pc + 4
  self.count = self.count + 1
  if op == 0x13 then -- arithmetic with an immediate
    x[rd] = alu(f3, f3 == 5 and band(w, 0x40000000) ~= 0, a, arshift(w, 20))
  elseif op == 0x33 then -- arithmetic with two registers
    x[rd] = alu(f3, band(w, 0x40000000) ~= 0, a, b)
  elseif op == 0x63 then -- branch
    if taken(f3, a, b) then
      local offset = bor(lshift(band(rshift(w, 8), 15), 1), lshift(band(rshift(w, 25), 63), 5), lshift(band(rshift(w, 7), 1), 11))
      if w < 0 then offset = offset - 4096 end
      nextpc = pc + offset
    end
  elseif op == 0x03 then -- load
    x[rd] = self:load(f3, a + arshift(w, 20))
  elseif op == 0x23 then -- store
    self:store(f3, a + bor(lshift(arshift(w, 25), 5), rd), b)
  elseif op == 0x6F then -- jal
    local offset = bor(lshift(band(rshift(w, 21), 0x3FF), 1), lshift(band(rshift(w, 20), 1), 11), lshift(band(rshift(w, 12), 0xFF), 12))
    if w < 0 then offset = offset - 0x100000 end
    x[rd] = nextpc
    nextpc = pc + offset
  elseif op == 0x67 then -- jalr
    x[rd] = nextpc
    nextpc = band(a + arshift(w, 20), -2)
  elseif op == 0x37 then -- lui
    x[rd] = band(w, 0xFFFFF000)
  elseif op == 0x17 then -- auipc
    x[rd] = tobit(pc + band(w, 0xFFFFF000))
  elseif op == 0x73 then -- ecall
    if x[17] == 93 then return false end
    self.hash = (self.hash * 31 + x[10] % 4294967296) % 1000000007
  else
    error(string.format("illegal instruction %s at %x", bit.tohex(w), pc))
  end
  x[0] = 0
  self.pc = nextpc
  return true
end

local machine = Machine.new(program, N)
while machine:step() do end
print(string.format("rv32i %d %d %d", machine.x[10], machine.count, machine.hash))
