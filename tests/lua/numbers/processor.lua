-- What some processors have instructions for (docs/march.md): shifts by variables, single bits, rotations, reversed bytes, rounding.
local function bits(n)
  local q, r = 1, 0
  for i = 1, n do
    local k = i & 63
    q = q ~ (i << k) ~ (q >> (i & 7)) ~ (q << (k // 2))
    r = r + (q & ~i) + (i & -i) + (i & (i - 1)) + ((i - 1) ~ i) - (~q & i)
    local w = q & 0xffffffff
    local a = ((w >> 7) | (w << 25)) & 0xffffffff
    local b = ((w >> 11) | (w << 21)) & 0xffffffff
    r = r ~ a ~ b ~ (w & ~a)
  end
  return q, r
end
print(bits(5000))

local function floats(n)
  local s, z, t = 0.5, 0.25, 0
  for i = 1, n do
    local x = (i - n / 2) / 7
    s = s * z + x - s / 3.0
    z = math.sqrt(x * x + 1.0) // 1.5 * 0.001
    t = t + math.floor(x) - math.ceil(x) + math.floor(-x)
    s = s + math.max(x, z) - math.min(x, z) + math.abs(x) - -x
  end
  return string.format("%.14g %.14g", s, z), t
end
print(floats(5000))

-- Divisions that round down, at the edges.
local edge = { 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1e308, -1e308, 5e-324, -5e-324, 2^53, -2^53, 2^63, -2^63, 1 / 0, -1 / 0, 0 / 0 }
local function divide(x, y) return x // y end
local function floor(x) return math.floor(x) end
local function ceil(x) return math.ceil(x) end
local lines = {}
for round = 1, 3 do
  lines = {}
  for _, x in ipairs(edge) do
    for _, y in ipairs(edge) do
      local q = divide(x, y)
      lines[#lines + 1] = q ~= q and "nan" or string.format("%.14g", q)
    end
    local f, c = floor(x), ceil(x)
    lines[#lines + 1] = math.type(f) .. (f ~= f and "nan" or string.format("%.14g", f))
    lines[#lines + 1] = math.type(c) .. (c ~= c and "nan" or string.format("%.14g", c))
  end
end
print(table.concat(lines, " "))
local function mixed(n)
  local t = 0.0
  for i = 1, n do t = t + i // 0.75 + (i + 0.5) // 3 - i // -0.4 end
  return t
end
print(mixed(1000))

local text = string.pack(">I4i8I2<I4>i4", 0x81020304, -0x1122334455667788, 0xfedc, 0x01020384, -2)
local function unpack(n)
  local t = 0
  for i = 1, n do
    t = t * 3 + string.unpack(">I4", text, 1) ~ string.unpack(">i8", text, 5) + string.unpack(">I2", text, 13)
    t = t + string.unpack("<I4", text, 15) - string.unpack(">i4", text, 19) + string.unpack(">I4", text, 19)
  end
  return t
end
print(unpack(1000))
print(pcall(string.unpack, ">I8", text, 16))
