-- The utf8 library: char, codepoint, len, offset, codes, charpattern, lax, invalid sequences.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(utf8.char(), utf8.char(72, 228, 8364, 128512), #utf8.char(0x7FFFFFFF), utf8.char(0) == "\0", try(utf8.char, -1), try(utf8.char, 0x80000000), try(utf8.char, "x"))
local s = "hé€😀"
print(#s, utf8.len(s), utf8.codepoint(s, 1, -1))
print(utf8.len(s, 2), utf8.len(s, 3), utf8.len(s, -4), utf8.len(s, 5, 4), utf8.len(s, #s + 1), try(utf8.len, s, #s + 2), utf8.len(""), utf8.len(s, 1, 3), utf8.len(s, 1, -1))
for p, c in utf8.codes(s) do io.write(p, ":", c, " ") end
print()
for i = -4, 6 do io.write(i, "=", tostring(utf8.offset(s, i)), " ") end
print(utf8.offset(s, 1, 2), utf8.offset(s, 0, 3), utf8.offset(s, 0, 5), utf8.offset(s, -1, 4), try(utf8.offset, s, 1, 3), try(utf8.offset, s, 1, 100), utf8.offset("", 1), utf8.offset("", 0), utf8.offset("a", 3))
print(("%q"):format(utf8.charpattern), #utf8.charpattern)
for c in s:gmatch(utf8.charpattern) do io.write("[", c, "]") end
print()
for _, bad in ipairs { "\xff", "a\x80", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80", "\xc3\x28", "ok\xfe" } do
  print((bad:gsub(".", function(c) return ("%02x "):format(c:byte()) end)), utf8.len(bad), utf8.len(bad, 1, -1, true))
  print(pcall(utf8.codepoint, bad, 1, -1))
  print(pcall(function() for _ in utf8.codes(bad) do end end))
end
print(utf8.codepoint("\u{7FFFFFFF}", 1, 1, true), try(utf8.codepoint, "\u{7FFFFFFF}"), utf8.len("\u{D800}", 1, -1, true), utf8.len("\u{D800}"), try(utf8.codepoint, "abc", 4), try(utf8.codepoint, "abc", 1, 4), utf8.codepoint("abc", 3, 1))
print(utf8.codepoint("abc"), utf8.codepoint("abc", -1), select("#", utf8.codepoint("abc", 2, 1)), try(utf8.codes), try(utf8.codes, {}))
for p, c in utf8.codes("ab\u{200000}", true) do io.write(p, ":", c, " ") end
print(pcall(function() for _ in utf8.codes("ab\u{200000}") do end end))
