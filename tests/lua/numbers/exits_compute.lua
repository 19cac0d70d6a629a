-- Loops that take words apart and are left in the middle, by values that training did not know: what the interpreter goes on with is computed on
-- the way out, from other variables.

local function signed(x) return (x ~ 0x80) - 0x80 end

-- All parts of a word are variables; few of them are used behind the place where it leaves.
local function decode(words, memory, limit)
  local sum, last = 0, nil
  for i = 1, #words do
    local w = words[i]
    local op, rd, f3, imm = w & 127, w >> 7 & 31, w >> 12 & 7, w >> 20
    local next, other, back = i + 1, ~w, -w
    local sign = signed(w & 255)
    if op == 19 then
      sum = sum + memory[rd + 1] + imm
    elseif op == 51 then
      sum = (sum ~ imm) + (memory[f3 + 1] or 0)
    elseif op == 99 then
      sum = sum - sign
    else
      sum = sum + limit
    end
    last = { op, rd, f3, imm, next, other, back, sign }
    if op == 99 and sum == limit then break end
  end
  return sum, table.concat(last, " ")
end

local words, memory = {}, {}
for i = 1, 400 do words[i] = (i * 2654435761 & 0xffffffff) & ~127 | ({ 19, 51, 99, 19 })[i % 4 + 1] end
for i = 1, 40 do memory[i] = i * i end
for _ = 1, 20 do decode(words, memory, -5) end
print(decode(words, memory, -5))

-- The element is a float, is missing (an error with the right variables), has a metamethod.
memory[17] = 0.5
print(pcall(decode, words, memory, 3))
memory[17] = 289
memory[20] = setmetatable({}, { __add = function(a, b) return (a == memory[20] and b or a) end,
  __concat = function() return "?" end })
print(pcall(decode, words, memory, 3))
memory[20] = nil
print(select("#", pcall(decode, words, memory, 3)), (pcall(decode, words, memory, 3)))
memory[20] = 400

-- A word that is no integer, and one of an operation never seen.
words[200] = 1.0 * 51
print(decode(words, memory, 2))
words[200] = 2^53
print(pcall(decode, words, memory, 2))
words[200] = 7
print(pcall(decode, words, memory, 2.5))
words[200] = "19"
print(pcall(decode, words, memory, 2))

-- A debugger sees the variables.
local function visible(words)
  local sum = 0
  for i = 1, #words do
    local w = words[i]
    local low, high, sum2 = w & 15, w >> 8, sum + 1
    sum = sum + (low < 15 and low or debug.getinfo(1, "l").currentline)
    if low == 15 then
      local seen = {}
      for k = 1, 20 do
        local name, value = debug.getlocal(1, k)
        if name and math.type(value) then seen[#seen + 1] = name .. "=" .. value end
      end
      print(table.concat(seen, " "))
    end
  end
  return sum
end
local plain = {}
for i = 1, 300 do plain[i] = i * 16 + i % 15 end
for _ = 1, 10 do visible(plain) end
plain[150] = 0xabcf
print(visible(plain))
