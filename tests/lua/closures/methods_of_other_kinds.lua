-- Methods that were Lua functions when it was trained, and are something else later; registers above the call hold older values.
local training = os.getenv("TRINITY_TRAINING")
local A, B = {}, {}
A.__index, B.__index = A, B
function A:m(x) return x + self.n end
function B:m(x) return x - self.n end
local function make(class, n) return setmetatable({ n = n, [7] = "seven", [-7] = "minus" }, class) end
local function call(o, x, y)
  local t = x * y + (x + y) * (x - y)
  return o:m(t)
end
local function one(o, x, y)
  local t = x * y + (x + y) * (x - y)
  local r = o:m(t)
  return r
end
local function own(o, x, y)
  local t = x * y + (x + y) * (x - y)
  local r = o.own and o:own(t)
  return r
end
local sum = 0
for i = 1, 60 do
  local a, b = make(A, i), make(B, i)
  a.own, b.own = A.m, B.m
  sum = sum + call(a, i, 2) + call(b, 3, i) + one(a, i, 1) + own(a, i, 2) + own(b, i, 2)
end
print(sum)
if not training then
  local a, b = make(A, 1), make(B, 2)
  local found = {}
  for _, m in ipairs { rawget, setmetatable({}, { __call = function(_, o, x) return type(o), x end }), select, 17, false } do
    A.m, B.m = m, m
    a.own, b.own = m, m
    for _, f in ipairs { call, one, own } do
      for _, o in ipairs { a, b } do
        found[#found + 1] = tostring(select(2, pcall(f, o, 2, -1)))
        found[#found + 1] = tostring(select(2, pcall(f, o, 3, -2)))
      end
    end
  end
  A.m, B.m = nil, nil
  found[#found + 1] = tostring(select(2, pcall(call, a, 1, 2)))
  found[#found + 1] = tostring(select(2, pcall(one, b, 1, 2)))
  for _, s in ipairs(found) do print((s:gsub("0x%x+", "ADDR"))) end
end
