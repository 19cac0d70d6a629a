-- A two-pass assembler for RV32I, enough for program.s.
--
--   lua5.4 assemble.lua            writes the words into the marked part of every file of the bench
--   lua5.4 assemble.lua --print    lists address, word and source line
--
-- Branches reach 4 KB and jumps 1 MB; `li` and `la` take one or two instructions by the value alone,
-- and `la` always two, so that the first pass knows every address.

local here = arg[0]:match("^(.*)/[^/]*$") or "."

local registers = {}
do
  local names = "zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6"
  local n = 0
  for name in names:gmatch("%S+") do
    registers[name], registers["x" .. n] = n, n
    n = n + 1
  end
end

local function reg(name)
  return registers[name] or error("not a register: " .. tostring(name))
end

local function fits(value, bits, what)
  local half = 1 << (bits - 1)
  if value < -half or value >= half then error(what .. " out of range: " .. value) end
  return value
end

-- The six instruction formats.
local function R(op, f3, f7, rd, a, b) return f7 << 25 | b << 20 | a << 15 | f3 << 12 | rd << 7 | op end
local function I(op, f3, rd, a, imm) return (fits(imm, 12, "immediate") & 0xFFF) << 20 | a << 15 | f3 << 12 | rd << 7 | op end
local function U(op, rd, imm) return (imm & 0xFFFFF) << 12 | rd << 7 | op end

local function S(f3, base, src, imm)
  imm = fits(imm, 12, "offset") & 0xFFF
  return (imm >> 5) << 25 | src << 20 | base << 15 | f3 << 12 | (imm & 31) << 7 | 0x23
end

local function B(f3, a, b, offset)
  local o = fits(offset, 13, "branch") & 0x1FFF
  return (o >> 12 & 1) << 31 | (o >> 5 & 63) << 25 | b << 20 | a << 15 | f3 << 12 | (o >> 1 & 15) << 8 | (o >> 11 & 1) << 7 | 0x63
end

local function J(rd, offset)
  local o = fits(offset, 21, "jump") & 0x1FFFFF
  return (o >> 20 & 1) << 31 | (o >> 1 & 0x3FF) << 21 | (o >> 11 & 1) << 20 | (o >> 12 & 0xFF) << 12 | rd << 7 | 0x6F
end

local aluR = {
  add = { 0, 0 }, sub = { 0, 32 }, sll = { 1, 0 }, slt = { 2, 0 }, sltu = { 3, 0 }, xor = { 4, 0 },
  srl = { 5, 0 }, sra = { 5, 32 }, ["or"] = { 6, 0 }, ["and"] = { 7, 0 },
}
local aluI = { addi = 0, slti = 2, sltiu = 3, xori = 4, ori = 6, andi = 7 }
local shiftI = { slli = { 1, 0 }, srli = { 5, 0 }, srai = { 5, 32 } }
local loads = { lb = 0, lh = 1, lw = 2, lbu = 4, lhu = 5 }
local stores = { sb = 0, sh = 1, sw = 2 }
local branches = { beq = 0, bne = 1, blt = 4, bge = 5, bltu = 6, bgeu = 7 }
local swapped = { bgt = "blt", ble = "bge", bgtu = "bltu", bleu = "bgeu" }

local function high(v) return (v + 0x800) >> 12 & 0xFFFFF end
local function low(v) return ((v & 0xFFF) ~ 0x800) - 0x800 end

local function number(text)
  local v = tonumber(text) or error("not a number: " .. tostring(text))
  return (v & 0xFFFFFFFF ~ 0x80000000) - 0x80000000 -- as a signed word
end

local function words(op, args) -- size of a line in words
  if op == ".space" then return (number(args[1]) + 3) // 4 end
  if op == "la" then return 2 end
  if op == "li" then
    local v = number(args[2])
    return (v >= -2048 and v < 2048 or low(v) == 0) and 1 or 2
  end
  return 1
end

local function encode(op, a, at, labels)
  local function target(name)
    return (labels[name] or error("no such label: " .. tostring(name))) - at
  end
  local function memory(text)
    local offset, base = text:match("^(-?%w+)%((%w+)%)$")
    return number(offset), reg(base)
  end
  if aluR[op] then return R(0x33, aluR[op][1], aluR[op][2], reg(a[1]), reg(a[2]), reg(a[3])) end
  if aluI[op] then return I(0x13, aluI[op], reg(a[1]), reg(a[2]), number(a[3])) end
  if shiftI[op] then return R(0x13, shiftI[op][1], shiftI[op][2], reg(a[1]), reg(a[2]), number(a[3])) end
  if loads[op] then
    local offset, base = memory(a[2])
    return I(0x03, loads[op], reg(a[1]), base, offset)
  end
  if stores[op] then
    local offset, base = memory(a[2])
    return S(stores[op], base, reg(a[1]), offset)
  end
  if branches[op] then return B(branches[op], reg(a[1]), reg(a[2]), target(a[3])) end
  if swapped[op] then return B(branches[swapped[op]], reg(a[2]), reg(a[1]), target(a[3])) end
  if op == "beqz" then return B(0, reg(a[1]), 0, target(a[2])) end
  if op == "bnez" then return B(1, reg(a[1]), 0, target(a[2])) end
  if op == "jal" then return J(reg(a[1]), target(a[2])) end
  if op == "j" then return J(0, target(a[1])) end
  if op == "call" then return J(1, target(a[1])) end
  if op == "ret" then return I(0x67, 0, 0, 1, 0) end
  if op == "mv" then return I(0x13, 0, reg(a[1]), reg(a[2]), 0) end
  if op == "not" then return I(0x13, 4, reg(a[1]), reg(a[2]), -1) end
  if op == "lui" then return U(0x37, reg(a[1]), number(a[2])) end
  if op == "auipc" then return U(0x17, reg(a[1]), number(a[2])) end
  if op == "ecall" then return 0x73 end
  if op == "li" then
    local rd, v = reg(a[1]), number(a[2])
    if v >= -2048 and v < 2048 then return I(0x13, 0, rd, 0, v) end
    if low(v) == 0 then return U(0x37, rd, high(v)) end
    return U(0x37, rd, high(v)), I(0x13, 0, rd, rd, low(v))
  end
  if op == "la" then
    local rd, v = reg(a[1]), target(a[2])
    return U(0x17, rd, high(v)), I(0x13, 0, rd, rd, low(v))
  end
  error("unknown operation: " .. op)
end

local function assemble(path)
  local lines, labels, address, last = {}, {}, 0, 0
  local n = 0
  for text in io.lines(path) do
    n = n + 1
    local code = text:gsub("#.*", "")
    local label, rest = code:match("^%s*([%w_]+):(.*)$")
    if label then labels[label], code = address, rest end
    local op, operands = code:match("^%s*(%S+)%s*(.-)%s*$")
    if op then
      local args = {}
      for arg in operands:gmatch("[^,%s]+") do args[#args + 1] = arg end
      lines[#lines + 1] = { n = n, text = text, op = op, args = args, at = address }
      address = address + 4 * words(op, args)
    end
  end
  local out, listing = {}, {}
  for _, line in ipairs(lines) do
    if line.op ~= ".space" then
      local ok, x, y = pcall(encode, line.op, line.args, line.at, labels)
      if not ok then error(path .. ":" .. line.n .. ": " .. x, 0) end
      for _, word in ipairs { x, y } do
        listing[#listing + 1] = string.format("%05x  %08x  %s", #out * 4, word, line.text)
        out[#out + 1] = string.format("0x%08x", word)
      end
      last = #out
    end
  end
  assert(last * 4 <= labels.array)
  return out, listing
end

local out, listing = assemble(here .. "/program.s")
if arg[1] == "--print" then
  print(table.concat(listing, "\n"))
  return
end

local rows = {}
for i = 1, #out, 8 do rows[#rows + 1] = table.concat(out, ", ", i, math.min(i + 7, #out)) .. "," end
for _, name in ipairs { "rv32i.lua", "rv32i.luajit.lua", "rv32i.c", "rv32i.js", "rv32i.py" } do
  local path = here .. "/../" .. name
  local f <close> = assert(io.open(path))
  local text = f:read("a")
  local indent = name:find("py$") and "    " or "  "
  local body = indent .. table.concat(rows, "\n" .. indent) .. "\n"
  local count
  text, count = text:gsub("(BEGIN PROGRAM[^\n]*\n).-([ ]*%S+ END PROGRAM)", function(a, b) return a .. body .. b end)
  assert(count == 1, "no marked part in " .. path)
  local w <close> = assert(io.open(path, "w"))
  w:write(text)
end
