-- xorshift64* with boxed 64-bit cdata, the way LuaJIT spells 64-bit integers.
local bit = require("bit")
local bxor, lshift, rshift, tohex = bit.bxor, bit.lshift, bit.rshift, bit.tohex
local N = tonumber(arg[1] or 30000000)

local x, sum = 88172645463325252ULL, 0ULL
for _ = 1, N do
  x = bxor(x, rshift(x, 12))
  x = bxor(x, lshift(x, 25))
  x = bxor(x, rshift(x, 27))
  sum = sum + rshift(x * 0x2545F4914F6CDD1DULL, 11)
end
print("xorshift " .. tohex(x) .. " " .. tohex(sum))
