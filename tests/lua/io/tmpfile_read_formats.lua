-- Reading with every format from a temporary file.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local f = io.tmpfile()
f:write("first line\nsecond line\n\n42 0x1F -7.5e1 .5 nan\nlast line without newline")
f:seek("set")
print(f:read("l")) print(("%q"):format(f:read("L"))) print(("%q"):format(f:read("l")))
print(f:read("n", "n", "n", "n")) print(f:read("n")) print(f:read(3)) print(f:read(0)) print(("%q"):format(f:read("a"))) print(("%q"):format(f:read("a"))) print(f:read("l"), f:read(1), f:read(0), f:read("n"))
f:seek("set", 0) print(f:read("*l"), f:read("*L"), f:read(2, 3))
f:seek("set") print(#f:read(1000)) f:seek("set") print(f:read("l", "l", "l", "l"))
f:seek("set") print(f:read()) print(try(f.read, f, "x")) print(try(f.read, f, "*x")) print(f:read(1, 1, 1)) print(try(f.read, f, {}))
f:close()
local function num(s) local t = io.tmpfile() t:write(s) t:seek("set") local r = table.pack(t:read("n")) local rest = t:read("a") t:close() print(("%q"):format(s), r[1], math.type(r[1]), ("%q"):format(rest)) end
for _, s in ipairs { "12", " \n 12x", "-3", "+4", "--5", "0x", "0x1p4", "0xA.8z", "1e5", "1e", "1e+", ".", "1.5.5", "abc", "", "  ", "99999999999999999999", "0x7fffffffffffffffff", "1_2", "3,4", "-", "1-2", "0xg", "inf", "1e400", ("1"):rep(250) } do num(s) end
local e = io.tmpfile() print(e:read("a") == "", e:read("l"), e:read("L"), e:read("n"), e:read(0), e:read(1)) e:write("x") e:seek("set") print(e:read(0), e:read(1), e:read(0)) e:close()
local big = io.tmpfile() big:write(("line of text "):rep(1000), "\n", ("y"):rep(70000), "\n\n", "end") big:seek("set") print(#big:read("l"), #big:read("L"), #big:read("L"), big:read("L"), big:read("L")) big:close()
local nul = io.tmpfile() nul:write("a\0b\nc\0\n") nul:seek("set") print(#nul:read("l"), #nul:read("L")) nul:close()
