-- Quantifiers, anchors, captures, positions, back references, %b, %f, greedy and lazy.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local function m(s, p, ...) print(p, string.match(s, p, ...)) end
m("hello world", "o") m("hello world", "o w") m("hello world", "^hello") m("hello world", "^world") m("hello world", "world$") m("hello world", "hello$")
m("aaa", "a*") m("aaa", "a-") m("aaa", "^a-$") m("aaa", "a+") m("aaa", "a?a?a?a?") m("", "a*") m("", "^$") m("abc", "b?") m("key = value", "(%w+)%s*=%s*(%w+)")
m("<<a>>", "<(.-)>") m("<<a>>", "<(.*)>") m("<a><b>", "<(.-)>") m("abc", "()b()") m("abc", "()") m("abc", "((a)(b)(c))") m("abc", "(a)(x?)(b)")
m("'it''s'", "(['\"])(.-)%1") m('say "hi" now', "([\"'])(.-)%1") m("abab", "(ab)%1") m("aXbX", "(X).-%1")
m("f(a(b)c)d)", "%b()") m("((x)", "%b()") m("[[]]", "%b[]") m("if then", "%bit") m("xax", "%bxx")
m("THE (quick) fox", "%f[%a]%a+", 5) m("THE (quick) fox", "%f[%a]%a+%f[%A]") m("x", "%f[%z]") m("abc", "%f[%w]%w*%f[^%w]") m("foo.bar", "%f[%w]%w+$")
m("  trim me  ", "^%s*(.-)%s*$") m("2024-05-06", "(%d+)-(%d+)-(%d+)") m("a.b.c", "^(.-)%.(.*)$") m("a.b.c", "^(.*)%.(.*)$") m("path/to/file.txt", "([^/]*)%.(%w+)$")
m("abc", "b", 3) m("abc", "b", -2) m("abc", "^b", 2) m("abc", "c", 10) m("abc", "", 4) m("abc", "", 5) m("abc", ".", -100) m("$^", "$^") m("a$", "a$$") m("a^b", "a^b") m("x*y", "x%*y")
print(string.find("hello", "l"), string.find("hello", "l", 4), string.find("hello", "xyz"), string.find("hello", ""), string.find("hello", "", 6), string.find("hello", "", 7), string.find("", ""))
print(string.find("a.b", ".", 1, true), string.find("a.b", "%."), string.find("a+b", "+", 1, true), string.find("abc", "b", -1), string.find("abc", "b", -2), string.find("aXb", "(X)(b)"), string.find("abc", "[b-", 1, true))
print(pcall(string.rep, "x", 5), string.find(("a"):rep(15), ("a?"):rep(15) .. ("a"):rep(15)))
print(try(string.match, ("x"):rep(300), ("x?"):rep(3) .. "y"), #string.match(("x"):rep(300000), ".-$"), try(string.find, ("("):rep(40), ("("):rep(40)))
print(string.match("abcdefghijklmnopqrstuvwxyzabcdefgh", ("(.)"):rep(32)))
print(pcall(string.match, "a", ("(.)"):rep(33)))
print(pcall(string.match, ("a"):rep(300), ("(a"):rep(300)))
