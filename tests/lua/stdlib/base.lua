-- The basic functions: arguments of all kinds, their errors, loading from functions and files, collectgarbage.
local function try(f, ...) print(pcall(f, ...)) end
print(_VERSION, _G._G == _G, type(_G))
try(assert, false) try(assert) try(assert, nil, "m") try(assert, 1, 2, 3) print(type(select(2, pcall(assert, false, {}))))
print(select("#", assert(1, nil, nil)))
print(pcall(function() assert(false) end)) print(pcall(function() assert(nil, "msg") end))
try(error) try(error, "x", 0) try(error, "x", 1) try(error, "x", 2) try(error, nil) try(error, {1} and 12)
print(pcall(function() error("lvl1") end)) print(pcall(function() error("lvl2", 2) end))
local function f() error("deep", 3) end
local function g() f() end
local function h() g() end
print(pcall(h))
-- tonumber
for _, v in ipairs{"10", " 0x1p4 ", "1e1", "0x", "", " ", "1 2", "0x.8", ".5", "5.", "inf", "nan", "1e", "0x1P-2", "\t7\n", "1e400", "9223372036854775807", "9223372036854775808", "-9223372036854775808","0xffffffffffffffffff", "1_0"} do
  print(("%q"):format(v), tonumber(v), math.type(tonumber(v)))
end
for b = 2, 36, 7 do print(b, tonumber("zz", b), tonumber("10", b), tonumber("-11", b), tonumber("  1 ", b), tonumber("", b), tonumber("1.0", b), tonumber("ffffffffffffffffff", 16)) end
try(tonumber, "1", 1) try(tonumber, "1", 37) try(tonumber, 1, 10) try(tonumber) try(tonumber, {}, 10) try(tonumber, "1", "x") print(tonumber(nil), tonumber({}), tonumber(print))
print(tonumber("7fffffffffffffff", 16), tonumber("8000000000000000", 16), tonumber("-0", 8))
-- tostring, type
try(type) try(tostring) print(type(nil), type(print), type(1), type("x"), type({}), type(coroutine.create(print)), type(io.stdout))
print(tostring(1), tostring(1.0), tostring(-0.0), tostring(1e100), tostring(2^63), tostring(1/0), tostring(-1/0), tostring(nil), tostring(true), tostring("a\0b") == "a\0b")
local mt = {__tostring = function() return "custom" end}
print(setmetatable({}, mt)) mt.__tostring = function() return 1 end try(tostring, setmetatable({}, mt))
mt.__tostring = nil mt.__name = "MyType" print((tostring(setmetatable({}, mt)):gsub("0x%x+", "PTR")))
mt.__tostring = 12 try(tostring, setmetatable({}, mt))
try(print, setmetatable({}, {__tostring = function() error("in tostring") end}))
-- metatables
try(setmetatable, 1, {}) try(setmetatable, {}) try(setmetatable, {}, 1) 
local p = setmetatable({}, {__metatable = "locked"}) print(getmetatable(p)) try(setmetatable, p, {}) try(getmetatable) print(getmetatable("").__index == string)
-- raw
try(rawget, 1, 2) try(rawget, {}) try(rawset, {}, 1) try(rawset, {}, nil, 1) try(rawset, {}, 0/0, 1) try(rawlen, 1) print(rawlen("abc"), rawlen{1,2}) try(rawequal, 1) print(rawequal("a", "a"), rawequal(1, 1.0), rawequal({}, {}))
-- select
try(select, 0) try(select, -5, 1) print(select(-1, 1, 2, 3)) print(select(2, "a", "b", "c")) print(select("#")) print(select("#", nil, nil)) try(select, "x") try(select, {}) print(select(10, 1)) print(select('2', 'a', 'b'))
-- next/pairs/ipairs
try(next, {}, 1) try(next) try(next, {}, {}) print(next({})) print(next({10})) print(next({10}, 1)) print(rawequal(pairs({}), next))
try(pairs) try(ipairs) print(pairs(setmetatable({}, {__pairs = function(t) return 1, 2, 3, 4 end})))
for i, v in ipairs(setmetatable({}, {__index = function(t, i) if i < 4 then return i * 10 end end})) do io.write(i, "=", v, " ") end print()
for k, v in pairs{1, 2, 3} do io.write(k, ":", v, " ") end print()
print(select(2, ipairs{}) ~= nil, ipairs{} == ipairs{})
-- pcall/xpcall
print(pcall(pcall)) print(pcall(pcall, error, "e")) print(xpcall(function(...) return ... end, print, 1, 2, 3))
try(xpcall) try(xpcall, print) print(xpcall(error, function(m) return "H:" .. tostring(m) end, "boom", 0))
print(xpcall(function() local x = nil; x() end, function(m) return m .. "!" end))
print(xpcall(error, function(m) error("again") end, "x"))
print(select("#", pcall(error)))
-- load
print(load("return 1 +")) print(load("x =", "=chunk")) print(load("x =", "@file.lua")) print(load("\n\nx = = 1", "line one\nline two"))
print(load("return ...", "c", "t")(7)) print(load("return 1", "c", "b")) print(load(string.dump(function() return 1 end), "d", "t")) print(load("return 1", "c", "q"))
print(load(string.dump(function() return 42 end), "d", "b")())
local env = {} load("a = 1; b = _ENV", "e", "t", env)() print(env.a, env.b == env)
print(type(load(function() return nil end))) local n = 0
print(load(function() n = n + 1 return ({"return ", "1", "+2", ""})[n] end)())
try(load) try(load, {}) try(load, 1, 2, 3) print(load(function() error("rd") end)) print(load(function() error({}) end) == nil)
print(load(function() return {} end)) print(load(12)) print(pcall(load("error('in chunk')", "=mychunk")))
print(load("return _ENV", "x", "t", nil)()) print(pcall(load("x = 1", "x", "t", nil)))
print(loadfile("/nonexistent/x.lua")) try(dofile, "/nonexistent/x.lua") 
local name = os.tmpname() local fh = io.open(name, "w") fh:write("#!shebang\nreturn ..., debug.getinfo(1).currentline") fh:close()
print(loadfile(name)(5)) print(dofile(name)) 
fh = io.open(name, "w") fh:write("\xEF\xBB\xBFreturn 'bom'") fh:close() print(dofile(name))
fh = io.open(name, "w") fh:write("\xEF\xBB\xBF# comment\nreturn 'bom2', debug.getinfo(1).currentline") fh:close() print(dofile(name))
fh = io.open(name, "w") fh:write("# only comment") fh:close() print(dofile(name))
fh = io.open(name, "w") fh:write("#x\n" .. string.dump(load("return 'bin'"))) fh:close() print(dofile(name))
fh = io.open(name, "w") fh:write("x = = 2") fh:close() print((select(2, loadfile(name)):gsub("^[^:]*", "NAME"))) print((select(2, pcall(dofile, name)):gsub("^[^:]*", "NAME")))
print((select(2, loadfile(name, "b")))) os.remove(name)
-- collectgarbage
print(type(collectgarbage("count")), collectgarbage(), collectgarbage("step"), collectgarbage("isrunning"), collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage("isrunning"))
print(collectgarbage("incremental"), collectgarbage("generational"), collectgarbage("incremental", 100, 200, 10), collectgarbage("incremental"))
print(collectgarbage("setpause", 200), collectgarbage("setpause", 150), collectgarbage("setstepmul", 300), collectgarbage("setstepmul", 100))
try(collectgarbage, "bogus") try(collectgarbage, 1) try(collectgarbage, {})
warn("@on") warn("hello ", "world") warn("@off") warn("x") try(warn) try(warn, 1, {}) 
print(pcall(string.rep)) print(pcall(("x").rep, "x", {})) print(pcall(ipairs)) print(pcall(setmetatable, {}, 3))
