local Point = {}
Point.__index = Point
function Point:len2() return self.x * self.x + self.y * self.y end
local function new(x, y) return setmetatable({ x = x, y = y }, Point) end

local function sum(t)
  local s = 0
  for i = 1, #t do
    s = s + t[i]
  end
  return s
end

local function add(a, b) return a + b end
local function main(n)
  local t, total = {}, 0
  for i = 1, n do
    t[i] = i
    local p = new(i, i + 1)
    total = total + p:len2() + sum(t) + math.floor(add(i, 0.5))
  end
  print(total, add(1, 2))
end
main(tonumber((...)) or 10)
