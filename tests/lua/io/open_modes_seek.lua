-- Modes, seek, append, update, setvbuf, flush, write errors, io.type, io.close, io.output.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local name = os.tmpname()
local function put(mode, ...) local f = assert(io.open(name, mode)) f:write(...) f:close() end
local function get() local f = assert(io.open(name, "rb")) local s = f:read("a") f:close() return s end
put("w", "hello") print(get()) put("a", " world") print(get()) put("r+", "J") print(get()) put("w+", "new") print(get()) put("a+b", "!") print(get())
for _, m in ipairs { "r", "rb", "r+b", "x", "", "rw", "w+x", "+r", "rb+" } do local ok, f = pcall(io.open, name, m) print(m, ok, ok and io.type(f) or f) if ok and f then f:close() end end
local f = io.open(name, "w+")
print(f:write("0123456789") == f, f:seek() == 10)
print(f:seek("set", 3), f:read(2), f:seek("cur"), f:seek("cur", -1), f:read(1), f:seek("end"), f:seek("end", -2), f:read("a"), f:seek("set"))
print(try(f.seek, f, "bad"), try(f.seek, f, "set", "x"), f:seek("set", -1)) print(f:seek("cur", 0))
f:seek("set", 20) f:write("far") f:seek("set") print(#f:read("a"), get():byte(11, 20) == 0)
print(f:setvbuf("no"), f:setvbuf("full", 1024), f:setvbuf("line"), try(f.setvbuf, f, "other"), f:flush() == f, io.type(f), io.type(io.stdout), io.type(42), io.type({}))
print(f:close(), io.type(f), try(f.close, f), try(f.write, f, "x"), tostring(f), try(io.close, f))
local r = io.open(name, "r") print(r:write("cannot")) r:close()
local w = io.open(name, "w") print(w:read("a")) print(try(w.write, w, {})) print(try(w.write, w, nil)) print(w:write() == w, w:write(1, 2.5, "x") == w) w:close() print(get())
local old = io.output() io.output(name) io.write("through io.output ", 12) io.close() io.output(old) print(get())
print(try(io.output, "/nonexistent/x/y")) print(try(io.input, "/nonexistent/x/y")) print(io.open("/nonexistent/x/y")) print(io.open("/", "w")) print(try(io.open)) print(try(io.open, name, "q"))
do local c <close> = io.open(name) print(io.type(c)) end
print(try(io.type), getmetatable(io.stdout).__name, type(getmetatable(io.stdout).__index), try(io.stdout.nomethod), io.stdout.nofield, io.stderr ~= io.stdout)
os.remove(name)
print(io.write("") == io.stdout, io.write("a", 1, 2.0, "\n") == io.stdout, io.stdout:seek("cur") == nil or true)
