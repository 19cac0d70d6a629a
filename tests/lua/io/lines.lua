-- io.lines and file:lines with formats, automatic closing, errors, reading past the end.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local name = os.tmpname()
local f = assert(io.open(name, "w"))
print(f:write("alpha\n", "beta\n", 3, " ", 4.5, "\n", "last") == f)
f:close()
for l in io.lines(name) do io.write("[", l, "]") end print()
for l in io.lines(name, "L") do io.write(("%q"):format(l)) end print()
for a, b in io.lines(name, 1, 2) do io.write(a, "-", b or "nil", ";") break end print()
for c in io.lines(name, 5) do io.write("<", c, ">") end print()
for a in io.lines(name, "a") do print(#a) break end
local h = io.open(name)
for l in h:lines() do io.write(l, ",") end print(io.type(h), h:read("l"))
h:seek("set") for n in h:lines("n") do print(n) end h:seek("set", 11) for a, b in h:lines("n", "n") do print(a, b) break end
h:close() print(io.type(h), try(h.read, h), (try(h.lines, h)), tostring(h), try(function() for _ in h:lines() do end end))
local it = io.lines(name) for _ = 1, 4 do it() end print(it()) print(pcall(it))
print(pcall(io.lines, "/nonexistent/path/file"))
print(pcall(function() for l in io.lines(name, "x") do end end))
print(select("#", io.lines(name)), (select(2, io.lines(name))), io.type((select(4, io.lines(name)))))
io.input(name) print(io.read("l"), io.read("n")) for l in io.lines() do io.write(l, "/") end print(io.type(io.input())) io.close(io.input()) print(pcall(io.read)) io.input(io.stdin)
do local keep for l in io.lines(name) do keep = l break end print(keep) end
print(os.remove(name), (io.open(name)))
print((select(2, os.remove(name)):gsub("^.-:", "NAME:")))
