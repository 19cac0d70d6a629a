-- string.format and tostring of integers, floats, hexadecimal and padded strings, joined into lines.
local N = tonumber(arg[1] or 500000)

local format = string.format
local h, size = 0, 0
local names = { "alpha", "beta", "gamma", "delta" }
for i = 1, N do
  local name = names[i % 4 + 1]
  local line = format("%5d|%-8s|%08.3f|%x|%c", i, name, i / 7, i * 2654435, 65 + i % 26)
  local key = name .. "_" .. i % 1000 .. ":" .. format("%03d", i % 97)
  size = size + #line + #key
  h = (h * 31 + line:byte(i % #line + 1) + key:byte(-1)) % 1000003
end
print(format("format %d %d", size, h))
