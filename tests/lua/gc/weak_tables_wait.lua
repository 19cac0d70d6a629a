-- Weak tables that nobody else has still lose what nobody else has.
local function literal()
  local t = setmetatable({ x = {} }, { __mode = "v" })
  local n = 0
  while t.x do local u = { n } n = n + #u end
  return n >= 0
end
local mode = { __mode = "v" }
local function shared()
  local t = setmetatable({ x = {} }, mode)
  local n = 0
  repeat local u = { n, n } n = n + u[1] - u[2] + 1 until not t.x
  return n >= 0
end
local Class = { __mode = "v" } Class.__index = Class
function Class.new() return setmetatable({ x = {} }, Class) end
function Class:gone() return self.x == nil end
local function class()
  local t = Class.new()
  local n = 0
  while not t:gone() do local u = { n } n = n + #u end
  return n >= 0
end
for i = 1, 20 do
  assert(literal()) assert(shared()) assert(class())
end
print("gone")
