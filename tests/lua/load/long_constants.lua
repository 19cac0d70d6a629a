-- Equal long string constants of one chunk are one object; built ones are not.
local function address(s) return string.format("%p", s) end
local a = "01234567890123456789012345678901234567890123456789"
local function inner()
  local function innermost() return "01234567890123456789012345678901234567890123456789" end
  return innermost()
end
print(address(a) == address(inner()))
local built = "0123456789" .. "0123456789012345678901234567890123456789"
print(built == a, address(built) == address(a))
local f, g = load[[
  local x = "another long string, of more than forty bytes in all"
  return function() return x end, function() return "another long string, of more than forty bytes in all" end]]()
print(f() == g(), address(f()) == address(g()))
