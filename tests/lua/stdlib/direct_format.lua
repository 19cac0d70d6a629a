-- string.format and concatenation from compiled code.
local function f1(fmt, a) local s = string.format(fmt, a) return s end
local function f3(a, b, c) local s = string.format("%5d|%-8s|%08.3f", a, b, c) return s end
for i = 1, 20 do f1("%d", i) f3(i, "x", i / 3) end
print(f3(1, "name", 2.5), f3(-12, "a long name", -2.5), f3(2^53, 7, 1), f3("10", {} ~= nil and "y", "3"))
print(pcall(f3, 1.5, "x", 1), pcall(f3, 1), pcall(f3, "x", "y", 1), pcall(f3, 1, "a\0b", 1))
for _, fmt in ipairs { "%d", "%5d", "%-5d|", "%05d", "%+d", "% d", "%.3d", "%x", "%X", "%#x", "%o", "%u", "%i", "%c", "%s", "%10s|", "%-10s|", "%.2s",
  "%f", "%.0f", "%10.2f", "%-10.2f|", "%010.2f", "%+.1f", "%e", "%.3e", "%012.3e", "%g", "%.10g", "%010g", "%a", "%q", "%%", "%5%", "%", "%y", "%ll",
  "%123d", "%.123f", "%0-5d|", "%#o", "no conversion", "%i%%" } do
  for _, v in ipairs { 0, 7, -7, 255, 1.0, -1.5, 0.1, 1e15, 1e100, 1 / 0, -1 / 0, "10", "text", true, math.mininteger } do
    print(fmt, v, pcall(f1, fmt, v))
  end
end
print(pcall(f1, "%s", nil), pcall(f1, "%d", nil), pcall(f1, "%s", setmetatable({}, { __tostring = function() return "object" end })))
print(pcall(f1, "%s", setmetatable({}, { __tostring = function() return 1 end })))
print(pcall(f1, "%-30d%s", 1), #f1("%s", ("x"):rep(1000)), #f1(("-"):rep(600) .. "%d", 1), #f1("%99d", 1))

local function join2(a, b) return a .. b end
local function join3(a, b, c) return a .. b .. c end
local function joins(a) return a .. "," .. a .. "," .. a .. "," .. a .. "," .. a end
local function grow(n, piece) local s = "" for i = 1, n do s = s .. piece .. i end return s end
for i = 1, 20 do join2("a", i) join3("a", i, "b") joins(i) grow(i, "x") end
for _, v in ipairs { "", "s", 0, -0.0, 1.5, -3, 1e100, 1 / 0, math.mininteger, 2^53, ("long"):rep(20) } do
  print(join2(v, ""), join2("", v), join2(v, v), join3(v, "-", v), joins(v))
end
print(pcall(join2, nil, 1), pcall(join2, 1, {}), pcall(join3, "a", nil, "b"), pcall(joins, true))
local cat = setmetatable({}, { __concat = function(a, b) return (type(a) == "table" and "T" or a) .. "&" .. (type(b) == "table" and "T" or b) end })
print(join2(cat, 1), join2(1, cat), join3("a", cat, "b"), join3(cat, cat, cat), joins(cat))
print(#grow(500, "abc"), grow(500, "abc"):sub(-10))
print(pcall(function() local s = ("x"):rep(1 << 20) for _ = 1, 3 do s = s .. s end return #s end))
-- Results that are short in training and long later, and the other way round.
local function key(a, b) local k = a .. b return #k end
for i = 1, 50 do key("a", "b") end
print(key(("x"):rep(39), "y"), key(("x"):rep(40), "y"), key("", ""))
