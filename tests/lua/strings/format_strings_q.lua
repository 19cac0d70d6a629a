-- string.format: %s with width and precision, %q of every kind, %p.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local f = string.format
print(f("[%s] [%10s] [%-10s] [%.2s] [%10.2s] [%-10.2s] [%.0s] [%.s]", "abc", "abc", "abc", "abc", "abc", "abc", "abc", "abc"))
print(f("%s %s %s %s", nil, true, 12, 1.5), f("%s", setmetatable({}, { __tostring = function() return "obj" end })))
print(#f("%s", "a\0b"), try(f, "%5s", "a\0b"), #f("%s", ("x"):rep(1000)), #f("%-1s", ("y"):rep(200)), try(f, "%.3s", "a\0b"))
print(f("%q", 'quote " backslash \\ newline \n return \r null \0 digit after \0001 tab \t high \200 del \127'))
print(f("%q", 42), f("%q", -7), f("%q", math.mininteger), f("%q", math.maxinteger), f("%q", 1.5), f("%q", 0.1), f("%q", -0.0), f("%q", 1e100))
print(f("%q", 1 / 0), f("%q", -1 / 0), f("%q", 0 / 0), f("%q", nil), f("%q", true), f("%q", "plain"), f("%q", ""), f("%q", 3.0))
print(try(f, "%q", {}), try(f, "%q", print), try(f, "%10q", "x"), try(f, "%.1q", "x"))
for _, v in ipairs { 0.1, 1e-300, 123456.789, 2^70, -1 / 3, math.pi, math.mininteger, "a\nb\\\"\0\r\1\0012" } do
  assert(load("return " .. f("%q", v))() == v)
end
local t = {}
print(f("%p", t) == f("%p", t), f("%p", t) == f("%p", {}), f("%p", 1), f("%p", nil), f("%p", true), f("%p", 1.5))
print(f("%p", "short") == f("%p", "sho" .. "rt"), #f("%20p", nil), f("%-10p|", 1), f("%p", print) == f("%p", print))
print((f("%p", t):gsub("%x+$", "")), (tostring(t):gsub("table: ", "")) == f("%p", t))
print(try(f), try(f, nil), try(f, {}), f(12), f("%s", "one", "extra"))
print(try(f, "%s"), try(f, "%s %s", 1))
