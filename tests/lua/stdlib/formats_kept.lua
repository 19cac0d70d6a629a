-- string.format: formats are remembered; what is remembered must not be seen.
local function f(...) return string.format(...) end
for round = 1, 3 do
  for i = 1, 100 do assert(f("%d " .. i, i) == i .. " " .. i) end
  collectgarbage()
end
local outer = setmetatable({}, { __tostring = function() return f("[%s]", "inner") .. f("<%s|%5.1f>", "other", 2.25) end })
print(f("<%s|%5.1f>", outer, 1.25), f("[%s]", outer), f("%s%s%s", outer, outer, 1))
local failing = setmetatable({}, { __tostring = function() error("no text", 0) end })
for _ = 1, 3 do print(pcall(f, "%d %s", 1, failing)) print(pcall(f, "%d %s", 1, "fine")) end
local many = setmetatable({}, { __tostring = function() local s = "" for i = 1, 80 do s = s .. f("%d" .. ("-"):rep(i), i):sub(1, 1) end return s end })
print(f("%s and %d", many, 7), f("%-10s|", many))
print(pcall(f, "%5%"), pcall(f, "%"), pcall(f, "%%%"), pcall(f, "%10"), pcall(f, "%\0d", 1), pcall(f, "a%%b%%"), pcall(f, "%%%d%%", 5))
print(pcall(f, "%d"), pcall(f, "%d %d", 1), pcall(f, "%" .. ("0"):rep(30) .. "d", 1), pcall(f, "%y", 1), pcall(f, "%.3c", 65), pcall(f, "%5q", 1))
local long = ("text %% "):rep(60) .. "%d" .. ("-"):rep(300) .. "%s"
for _ = 1, 2 do local s = f(long, 5, "end") print(#s, s:sub(-4), s:sub(1, 10)) end
for _, n in ipairs { 0, 1, -1, 9, 10, 99, 100, 12345, 1 << 40, math.maxinteger, math.mininteger } do
  print(f("%d|%5d|%-5d|%05d|%+d|% d|%.3d|%8.5d|%-8.5d|%x|%X|%#x|%8x|%08x|%o|%#o|%u|%i", n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n, n & 0x7fffffff, n))
end
for _, x in ipairs { 0, -0.0, 0.5, 1.5, -2.5, 0.05, 123.456, -99.995, 1e15 + 0.3, 999999.9999995, 1e17, 1e18, 1e300, 5e-324, 1 / 0, -1 / 0 } do
  print(f("%f|%.0f|%.1f|%10.2f|%-10.2f|%010.2f|%08.3f|%+.2f|% .2f|%.10f|%5.16f|%e|%g|%.3g|%a", x, x, x, x, x, x, x, x, x, x, x, x, x, x, x))
end
for len = 0, 45 do
  local s = ("abcdefghij"):rep(5):sub(1, len)
  assert(f("%s", s) == s and f("%-50s", s) == s .. (" "):rep(50 - len) and f("%50s", s) == (" "):rep(50 - len) .. s and f("%.7s", s) == s:sub(1, 7))
  assert(#(s .. len) == len + #tostring(len) and (s .. "x"):sub(1, -2) == s)
end
print(f("%c%c%c", 72, 105, 33), f("%5c|%-5c|", 65, 66), f("%s %s %s", 1, 2.5, -0.0), f("%10s|%-10s|", 12, 1e100), f("%q", 1 / 3))
