-- Many small broken chunks through load; the message of each. Ends with an error of its own.
local cases = {
  "x", "x =", "x = 1 2", "x y", "local", "local 1", "local x y", "local x =", "local function", "local function 1",
  "local function f", "local function f(", "local function f(1) end", "local function f(a,) end", "local function f(a b) end",
  "local function f(..., a) end", "function", "function f", "function f.", "function f:a.b() end", "function f:a:b() end", "function (x) end",
  "function f() return", "function f() return end end", "if", "if x", "if x then", "if x then else", "if x then else elseif y then end",
  "if x then elseif", "if x do end", "while", "while x", "while x do", "while x then end", "for", "for i", "for i =", "for i = 1", "for i = 1,",
  "for i = 1, 2", "for i = 1, 2, 3, 4 do end", "for i in", "for i in x", "for i, j = 1, 2 do end", "for 1 = 1, 2 do end", "for i, in x do end",
  "for a.b in x do end", "repeat", "repeat until", "repeat x() until y z", "do", "do end end", "end", "until x", "else", "elseif x then",
  "return return", "return 1,", "return 1; 2", "return 1 end", "break", "goto", "goto 1", "goto x", "::x", "::1::", "::x:: ::x::", ":: ::",
  "break x", "while true do break x end", "x = = 1", "x, = 1", "x, y", "x, f() = 1, 2", "(x) = 1", "(x)", "(x", "x)", "x = (1", "x = 1)",
  "x = {", "x = {1", "x = {1,", "x = {1 2}", "x = {,}", "x = {[1] 2}", "x = {[1 = 2}", "x = {a = }", "x = {a = 1 b = 2}", "x = }",
  "x[", "x[1", "x[1]", "x[1] 2", "x.", "x.1", "x.y.", "x:", "x:y", "x:y = 1", "x:1()", "x.y:z", "f(", "f(1", "f(1,", "f(1,)", "f(1 2)", "f{", "f{}{", "f'a",
  "x = function", "x = function(", "x = function() ", "x = function f() end", "x = 1 +", "x = + 1", "x = not", "x = #", "x = -", "x = ~", "x = a ..",
  "x = a and", "x = a or or b", "x = a == ", "x = a ~ = b", "x = a != b", "x = a === b", "x = a <> b", "x = a ! b", "x = !a", "x += 1", "x++", "++x", "x = a ? b : c",
  "x = $", "x = `a`", "x = \\", "x = @", "local x <", "local x <const", "local x <const>", "local x <close> = 1 2", "local x <const> = 1; x = 2", "local <const> x = 1",
  "local function f() end = 1", "x = ...", "function f() x = ... end", "return ... ...", "local a = function(...) return function() return ... end end",
  "x = 'a", "x = 'a\nb'", 'x = "a\\', 'x = "\\x"', 'x = "\\400"', 'x = "\\u{"', 'x = "\\j"', "x = [[a", "x = [=[a]]", "x = [=a", "--[[", "--[==[ ]=]",
  "x = 3x", "x = 0x", "x = 0xg", "x = 1e", "x = 1e+", "x = 1.2.3", "x = 1..2", "x = 0x1p", "x = 09a", "x = 3..", "x = ...3", "x = 1_000", "x = 5and6 7",
  "and", "or x", "not x", "nil = 1", "true()", "false.x = 1", "nil", "1", "1()", "'s'", "'s':x()", "{}", "{}.x = 1", "-x", "#x", "...", ";;; x", "x;", "a.b;", "a.b:c;",
  "local end = 1", "local x = end", "function end() end", "x.end = 1", "x = {end = 1}", "goto end", "::end::", "goto continue; local x; ::continue:: x = 1",
  "repeat goto c; local x; ::c:: until x", "do goto l end; local a ::l:: print(a)", "goto l; do ::l:: end", "if x then goto l end local a ::l:: a = 1",
  "x = 1\ny = 2\nz z", "f(\n1,\n2\n", "if x then\n\nwhile y do\n\nend\n", "function f()\n\n\n", "(f)\n(g)\nh", "a = {\n{\n}\n", "x = [[\n\n", "x = (1 + \n 2", "for i = 1,\n2\n",
  "\0", "x = \0", "x\0y = 1", "\1", "x = \127", "x = \255", "return '\200\201", "\27Lua", "# comment only",
}
for i, src in ipairs(cases) do
  print(i, (select(2, load(src, "=s"))))
end
-- Chunk names in messages.
print(select(2, load("x", "=name")))
print(select(2, load("x", "@file.lua")))
print(select(2, load("x", "plain text")))
print(select(2, load("x", "two\nlines")))
print(select(2, load("x")))
print(select(2, load("x", "")))
print(select(2, load("x", "=")))
print(select(2, load("x", "@")))
print(select(2, load("x", "=" .. ("n"):rep(100))))
print(select(2, load("x", "@" .. ("long/"):rep(20) .. "path.lua")))
print(select(2, load("x" .. (" y"):rep(100))))
-- A long token in the message.
print(select(2, load("x = 1 " .. ("t"):rep(200))))
print(select(2, load("x = '" .. ("t"):rep(200))))
-- The error of a file that does not parse, raised on purpose.
error(select(2, load("x = = 1", "@last.lua")), 0)
