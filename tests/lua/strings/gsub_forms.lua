-- gsub with string, table and function replacements, limits, anchors, empty matches, errors.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
print(("hello world"):gsub("o", "0")) print(("hello world"):gsub("o", "0", 1)) print(("hello"):gsub("", "-")) print(("hello"):gsub("l*", "x")) print((""):gsub("", "x")) print(("abc"):gsub("%w", "%0%0"))
print(("abc"):gsub("(a)(b)(c)", "%3%2%1%0")) print(("abc"):gsub("%w", "%%")) print(("hello world"):gsub("(%w+) (%w+)", "%2 %1")) print(("abc"):gsub("b", "%1")) print(("x^2"):gsub("%^", "**"))
print(("$name is $age"):gsub("%$(%w+)", { name = "Bob", age = 42 })) print(("$a $b"):gsub("%$(%w)", { a = false })) print(("abc"):gsub("%w", function(c) if c == "b" then return nil end return c:upper() end))
print(("abc"):gsub("%w", function(c) return c == "a" and 1 or c == "b" and 2.5 or false end)) print(("a b c"):gsub("(%w)()", function(c, p) return c .. p end)) print(("abc"):gsub("^a", "x")) print(("aaa"):gsub("^a", "x")) print(("abc"):gsub("c$", "x"))
print(("abc"):gsub("%w", "x", 0)) print(("abc"):gsub("%w", "x", -1)) print(("abc"):gsub("%w", "x", 2.0)) print(("a.b.c"):gsub("%.", "%%.")) print(("  x  "):gsub("^%s+", ""):gsub("%s+$", "") == "x")
print(("abc def"):gsub("%f[%w]%w", string.upper)) print(("one;two;;four"):gsub(";;", ";nil;")) print(("abc"):gsub(".", { a = 1, b = true and "B" })) print(("äöü"):gsub("[\128-\255]", "?"))
print(try(string.gsub, "abc", "b", "%2")) print(try(string.gsub, "abc", "b", "%x")) print(try(string.gsub, "abc", "b", "%")) print(try(string.gsub, "abc", "b")) print(try(string.gsub, "abc", "b", nil)) print(try(string.gsub, "abc", "b", true))
print(try(string.gsub, "abc", "b", function() return {} end)) print(try(string.gsub, "abc", "b", { b = {} })) print(try(string.gsub, "abc", "b", function() error("callback", 0) end)) print(try(string.gsub, "abc", "(", "x")) print(try(string.gsub, "abc", "b", "x", "y"))
local n = 0
print(("abcabc"):gsub("b", function() n = n + 1 return n end), n)
print(("nested"):gsub("e", function(e) return ("[e]"):gsub("e", "E") end))
local big, c = ("ab"):rep(10000):gsub("a", "xyz")
print(#big, c)
for k, v in ("a=1, b=2, c=3"):gmatch("(%w+)=(%w+)") do io.write(k, v, ";") end
for w in ("one two"):gmatch("%a+") do io.write(w, ".") end
for p in ("abc"):gmatch("()") do io.write(p, ",") end
for a in ("aaa"):gmatch("^a") do io.write("anchor ", a) end
for x in ("abc"):gmatch("", 2) do io.write("[", x, "]") end
for x in ("hello"):gmatch("l", -2) do io.write(x) end
print()
print(try(string.gmatch, "x")) print(try(string.gmatch("x", "("))) local g = ("ab"):gmatch(".") print(g(), g(), g(), g())
