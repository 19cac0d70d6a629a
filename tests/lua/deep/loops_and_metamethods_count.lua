-- The reference counts iterators of generic loops and metamethods as nested native calls, also where compiled code does them in line:
-- at the limit of 200 each raises "C stack overflow".
local V = {}
V.__index = V
V.__add = function(a, b) return setmetatable({ x = a.x + b.x }, V) end

local function step(limit, i) if i < limit then return i + 1 end end
local list = { 3, 1, 4, 1, 5 }

local kinds = {
  ipairs = function() local s = 0 for _, v in ipairs(list) do s = s + v end return s end,
  pairs = function() local s = 0 for _, v in pairs(list) do s = s + v end return s end,
  iterator = function() local s = 0 for i in step, 5, 0 do s = s + i end return s end,
  metamethod = function()
    local sum = setmetatable({ x = 0 }, V)
    local one = setmetatable({ x = 1 }, V)
    for _ = 1, 5 do sum = sum + one end
    return sum.x
  end,
  none = function() local s = 0 for i = 1, 5 do s = s + i end return s end,
}
local names = { "ipairs", "pairs", "iterator", "metamethod", "none" }

-- hot first, so that a profile has seen them
for _, name in ipairs(names) do
  local total = 0
  for _ = 1, 300 do total = total + kinds[name]() end
  print(name, total)
end

local function nest(n, f)
  if n == 0 then return f() end
  local result
  string.gsub("x", "x", function() result = nest(n - 1, f) end)
  return result
end

for _, name in ipairs(names) do
  for n = 180, 203 do
    local ok, answer = pcall(nest, n, kinds[name])
    print(name, n, ok, ok and answer or (string.gsub(answer, "^.-:%d+: ", "")))
  end
end
