-- byte, char, sub, rep, reverse, lower, upper, len with all index forms.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(("abc"):byte(), ("abc"):byte(2), ("abc"):byte(-1), ("abc"):byte(1, -1), ("abc"):byte(10), ("abc"):byte(0), ("abc"):byte(2, 1), ("\0\255"):byte(1, 2))
print(string.char(), string.char(72, 105), #string.char(0, 0), try(string.char, -1), try(string.char, 256), try(string.char, "x"), string.char("65"), string.char(65.0))
local s = "hello"
for _, r in ipairs { { 1 }, { 2, 3 }, { -3 }, { -3, -2 }, { 0 }, { 0, 2 }, { 2, 100 }, { 10 }, { 4, 2 }, { -100, 2 }, { 2, -2 }, { 1, 0 }, { math.mininteger, math.maxinteger }, { math.maxinteger }, { -1, -100 }, { "2", "3" }, { 2.0, 3.0 } } do io.write("[", s:sub(table.unpack(r)), "] ") end
print()
print(try(s.sub, s), try(s.sub, s, 1.5), try(s.sub, s, "x"), try(string.sub), try(string.sub, {}, 1), string.sub(123, 2))
print(("ab"):rep(3), ("ab"):rep(3, "-"), ("ab"):rep(1, "-"), ("ab"):rep(0), ("ab"):rep(-1, "x"), (""):rep(1000) == "", ("x"):rep(2, ""), #("abc"):rep(1000, ", "), try(("x"):rep(10).rep, "x", 1 << 62), try(string.rep, "abc", math.maxinteger))
print(("hello"):reverse(), (""):reverse(), ("a\0b"):reverse() == "b\0a", ("MiXeD 123"):lower(), ("MiXeD 123"):upper(), ("x"):len(), #"a\0b", (""):len())
print("a" < "b", "a" < "ab", "" < "a", "Z" < "a", "a\0a" < "a\0b", "a\0" > "a", "\200" > "\100", "10" < "9", not ("a" < "a"), "a" <= "a")
print(("x"):rep(50) == ("x"):rep(50), ("long string beyond forty characters in length" .. 1) == ("long string beyond forty characters in length" .. "1"))
print(tostring(12) == "12", 12 .. "" == "12", 1.5 .. "|" .. -0.0 .. "|" .. 1e100 .. "|" .. 2^63 .. "|" .. (1 << 62))
local t = {}
for i = 1, 300 do t[i] = string.char(i % 256) end
local all = table.concat(t)
print(#all, all:byte(256), all:byte(300), select("#", all:byte(1, -1)), all:sub(255, 258):byte(1, -1))
print(try(string.byte, ("x"):rep(10), 1, 1e8), try(string.len), try(string.upper, nil), try(string.reverse, {}))
print(("%s"):rep(3, "%"), ("a,b,,c"):find(",", 1, true), ("tést"):len(), #("日本語"), "\u{65E5}" == "日")
