-- The io library: every function and method, with wrong arguments and closed files, formats, numerals, default files, popen.
local function try(f, ...) print(pcall(f, ...)) end
local name = os.tmpname()
local function mask(...) local t = {...} for i = 1, select("#", ...) do if type(t[i]) == "string" then t[i] = t[i]:gsub(name:gsub("%p", "%%%0"), "TMP"):gsub("0x%x+", "PTR") end t[i] = tostring(t[i]) end print(table.unpack(t)) end
local f = assert(io.open(name, "w"))
print(io.type(f), io.type(io.stdout), io.type(1)) try(io.type) mask(tostring(f))
print(f:write("hello\n", 12, " ", 1.5, " ", 2^53, " ", 1e100, "\n", "third line\n", "no newline") == f)
print(f:seek(), f:seek("set", 2), f:seek("end"), f:seek("cur", -3)) try(f.seek, f, "bad") try(f.seek, f, "set", 1.5) try(f.seek, f, "set", {}) print(f:seek("set", -1))
print(f:flush(), f:setvbuf("no"), f:setvbuf("full", 1024), f:setvbuf("line")) try(f.setvbuf, f) try(f.setvbuf, f, "x")
print(f:close()) mask(tostring(f)) print(io.type(f)) try(f.close, f) try(f.write, f, "x") try(f.read, f) try(f.lines, f) try(f.seek, f) try(f.flush, f)
try(f.read) try(f.read, {}) try(io.stdout.write) try(io.close, 1)
f = io.open(name) print(f:read()) print(f:read("n", "n", "n", "n")) print(f:read("L")) print(f:read("l")) print(f:read("a")) print(f:read("a")) print(f:read("l")) print(f:read(0)) print(f:read("n")) f:close()
f = io.open(name) print(f:read(5, 0, 1, "l", "L")) print(f:read(1000)) print(f:read(1)) print(f:read(0)) f:close()
f = io.open(name) try(f.read, f, "x") try(f.read, f, "*x") try(f.read, f, {}) print(f:read("*l", "*n")) try(f.read, f, "") f:close()
for l in io.lines(name) do io.write("[", l, "]") end print()
for l in io.lines(name, "L") do io.write("[", l, "]") end print()
for a, b in io.lines(name, 1, 2) do io.write("<", a, "|", tostring(b), ">") end print()
print(select("#", io.lines(name)))
f = io.open(name) it = f:lines() print(it()) f:close() try(it)
it = io.lines(name) while it() do end try(it)
mask(pcall(io.lines, "/nonexistent/file")) mask(io.open("/nonexistent/file")) mask(io.open("/", "w")) try(io.open, name, "rw") try(io.open, name, "") try(io.open, name, "rb+") try(io.open, name, "w+x") try(io.open) print(io.open(name, "rb") ~= nil)
-- reading a directory
f = io.open("/") print(f:read("a")) print(f:read(1)) print(f:read("l")) print(f:read("n")) print(pcall(f:lines())) f:close()
-- numbers
f = io.open(name, "w") f:write([[
 0x1F -7 +3 .5 5. 1e3 0x.8p1 1e+ 0x  -- xx 99999999999999999999 nan inf - 12abc ]], ("1"):rep(199), " ", ("2"):rep(201), " 3\n") f:close()
f = io.open(name) for i = 1, 30 do local v = f:read("n") io.write(tostring(v), "@", f:seek(), " ") if not v then f:read(1) end end print() f:close()
-- default files
print(io.input() == io.stdin, io.output() == io.stdout) 
print(io.input(name) == io.input()) print(io.read("n")) print(io.read()) mask(io.close(io.input())) try(io.read) try(io.lines)
io.input(io.stdin) print(io.output(name) ~= nil) print(io.write("out") == io.output()) print(io.close()) try(io.write, "x") try(io.close) try(io.flush) io.output(io.stdout)
print(io.open(name):read("a")) mask(pcall(io.input, "/nonexistent")) try(io.input, {})
-- append / update
f = io.open(name, "a+") print(f:seek("end"), f:write("more") == f) f:seek("set") print(f:read("a")) f:close()
f = io.open(name, "r+") f:write("OU") f:seek("set", 0) print(f:read("a")) f:close()
f = io.open(name, "r") print(f:write("x")) f:close()
-- standard files
print(io.stdin:close()) 
-- popen
local p = io.popen("echo hi; exit 3") print(io.type(p), p:read("a"), p:close())
print(io.popen("kill -9 $$"):close()) print(io.popen("true"):close()) try(io.popen, "x", "rw") try(io.popen) 
p = io.popen("cat", "w") p:write("to cat\n") print(p:close())
-- tmpfile
local t = io.tmpfile() t:write("abc") t:seek("set") print(t:read("a")) t:close()
-- to be closed, gc
do local c <close> = io.open(name) f = c end print(io.type(f))
local mt = getmetatable(io.stdout) print(mt.__name, mt.__index == mt, mt.__index.write == io.stdout.write, mt.__gc ~= nil, mt.__close ~= nil) for k in pairs(mt) do t = nil end
f = nil collectgarbage() collectgarbage()
-- embedded zeros
f = io.open(name, "wb") f:write("a\0b\nc\0\0\nd") f:close() for l in io.lines(name) do io.write(#l, " ") end print() print(#io.open(name):read("a"))
-- many formats
try(io.lines, name, table.unpack({}, 1, 251)) print(pcall(function() return select("#", io.open(name):read(table.unpack((function() local t = {} for i = 1, 200 do t[i] = 0 end return t end)()))) end))
-- yields and lines in coroutines
print(coroutine.wrap(function() for l in io.lines(name) do coroutine.yield(#l) end end)())
print(io.lines() ~= nil) try(io.write, {}) try(io.write, nil) try(io.stdout.write, io.stdout, print)
os.remove(name) mask(io.open(name)) print(io.read("l")) print(io.read("a")) print(io.read(0)) print(io.read("L")) print(pcall(io.read, "n"))
io.stderr:write("to stderr\n") print(io.stdout:write("") == io.stdout)
