-- Numeric loops whose kind is known only when they begin; registers that held something else before.
local function id(x) return x end
local function go(text)
  for i = (text + (id(-9504) / id(4))), ((#({ 1, 2, 3 }) + 137) * 108), "1" do
    local f = function() return i end
    print(i, f())
    if i > -2278 then break end
  end
  for i = (text + (id(-9504) / id(4))), -#text - 2275, "1" do io.write(i, " ") end
  print()
  for i = text + id(1), #text * 50, "2" do io.write(i, " ") end
  print()
end
for _ = 1, 6 do go("96") end
local function kinds(a, b, c)
  local n = 0
  for i = a, b, c do
    n = n + i
    if n > 1e6 then break end
  end
  return n
end
for _ = 1, 5 do
  print(kinds(1, 10, 1), kinds(1.0, 10, 1), kinds("1", 10, 1), kinds(1, 10.5, 1), kinds(1, "10", 2), kinds(1, 10, "3"), kinds(10, 1, -1.5))
end
