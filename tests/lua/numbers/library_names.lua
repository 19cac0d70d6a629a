-- Results of library functions by their names, while the names mean what they usually do, and afterwards.
local floor, sqrt, max = math.floor, math.sqrt, math.max
local function root(x) return sqrt(x) + math.sqrt(x) end
local function whole(x) return floor(x) + math.floor(x / 2) end
local function most(x, y) return max(x, y) + math.max(y, x) end
local function name(x) return tostring(x) .. type(x) end
local function part(s, i) return string.sub(s, i, i) .. string.rep(s, i) end
local function ends(x) return x + math.pi - math.huge, x + math.maxinteger end
local function all()
  print(root(4), root(2.25), whole(7), whole(7.5), most(1, 2), most(1.5, 2), most('1', '2') == nil)
end
print(pcall(all))
print(root(16), whole(9.75), whole(-3), most(3, 4), most(0.5, -0.5), name(1), name('x'), part('abc', 2), ends(1))
print(floor(1e300) == 1e300, whole(2 ^ 70), floor('3.7'), pcall(floor, {}))
print(math.abs(-3), math.abs(-3.5), math.abs(math.mininteger), math.abs('-2'))
print(tonumber('12') + 1, tonumber('1.5') + 1, tonumber('x'), tonumber('10', 2), pcall(tonumber))
local N = tonumber((...) or 7)
local function countdown(n) if n <= 0 then return n end return countdown(n - 1) end
print(countdown(N), countdown(2.5), countdown(tonumber('1e1')))
local M = tonumber('2.5')
local function captured() return M * 2, N end
print(captured())

-- Somebody else's functions.
math.floor = function(x) return 'floor' .. x end
math.sqrt = function() return nil end
string.sub = function(s) return #s end
tostring = function() return 5 end
print(pcall(whole, 5), pcall(root, 5), name(7), part('abcd', 1))
for i = 1, 10 do
  local ok, why = pcall(whole, i)
  assert(not ok and why:find('attempt'), why)
end
math = { pi = 'pi', huge = {}, maxinteger = 1.5, sqrt = 7, max = function(...) return ... end }
print(pcall(ends, 1), pcall(root, 1), most(1, 2))
type = nil
print(pcall(name, 1))
