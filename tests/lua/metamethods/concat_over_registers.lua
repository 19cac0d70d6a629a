-- A concatenation's metamethod runs over the registers above its operands: nothing is known of them afterwards.
local mt = { __concat = function(a, b) local x, y, z = {}, {}, {} return a end }
local function kind(x) return math.type(x), x end
local function f(n)
  local o = setmetatable({}, mt)
  local c = o .. (-n * #"abc")
  local t, v = kind(28)
  return t, v
end
print(f(3))
print(f(2.5))
local function g(n)
  local o = setmetatable({}, mt)
  local c = o .. n .. (n * #"abc" * (#"ab" + n))
  local t, v = kind(29)
  local s = #(o .. (n .. "x"))
  local t2, v2 = kind(30)
  return t, v, s, t2, v2
end
print(g(4))
