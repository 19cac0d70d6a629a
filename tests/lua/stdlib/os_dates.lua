-- Every conversion of os.date, normalisation and limits of os.time, results of the other os functions.
local function try(f, ...) print(pcall(f, ...)) end
os.setlocale("C")
for _, t in ipairs{0, 1, 86399, 1e9|0, 1700000000, -1, -86400, 4102444800, 253402300799} do
  for c in ("aAbBcCdDeFgGhHIjmMnprRStTuUVwWxXyYzZ%"):gmatch(".") do io.write(os.date("!%" .. c, t), "|") end print()
  for _, c in ipairs{"Ec","EC","Ex","EX","Ey","EY","Od","Oe","OH","OI","Om","OM","OS","Ou","OU","OV","Ow","OW","Oy"} do io.write(os.date("!%" .. c, t), "|") end print()
  local d = os.date("*t", t) local k = {} for n, v in pairs(d) do k[#k+1] = n .. "=" .. (type(v) == "table" and "table" or tostring(v)) end table.sort(k) print(table.concat(k, " "), pcall(os.time, d))
  local d = os.date("!*t", t) local k = {} for n, v in pairs(d) do k[#k+1] = n .. "=" .. (type(v) == "table" and "table" or tostring(v)) end table.sort(k) print(table.concat(k, " "))
end
for _, f in ipairs{"%", "%E", "%Ez", "%O", "%Q", "%E%", "abc%", "%Oc x", "%5d", "%\0", "a\0b%Y", "!%Y", "!", "", "!!%Y", "*t\0x", "*tx", "!*t", "%Ey%Od", "100%%"} do local ok, r = pcall(os.date, f, 0) print(ok, type(r) == "table" and "table" or ("%q"):format(r)) end
try(os.date, "%Y", "x") try(os.date, "%Y", 1.5) try(os.date, "%Y", 2^60) try(os.date, "*t", math.maxinteger) try(os.date, "%Y", math.mininteger) try(os.date, {}) try(os.date, "%Y", "86400") try(os.date, "%c", 1e9)
for _, d in ipairs{{year=2020,month=1,day=1}, {year=2020,month=14,day=-3}, {year=2020,month=1,day=1,hour=0}, {year=2020,month=2,day=30,hour=25,min=61,sec=61}, {year="2020",month="1",day="1",hour="3"}, {year=2020.0,month=1,day=1}, {year=2020.5,month=1,day=1},
  {year=2020,month=1}, {year=2020,day=1}, {month=1,day=1}, {year=1e15,month=1,day=1}, {year=-1e15,month=1,day=1}, {year=2020,month=1,day=1,isdst=true}, {year=2020,month=1,day=1,isdst=false}, {year=2020,month={},day=1}, {year=2020,month=1,day=1,hour="x"}, {year=2020,month=math.mininteger,day=1}, {year=2020,month=-2147483647,day=1}, {year=2020, month=2147483648, day=1}, {year=2020, month=2147483649, day=1}, {year=2147485547,month=12,day=31}, {year=2147485548,month=1,day=1}, {year=-2147481748,month=1,day=1}, {year=-2147481749,month=1,day=1}, {year=1969,month=12,day=31,hour=23,min=59,sec=59}} do
  local ok, t = pcall(os.time, d) print(ok, t) local k = {} for n, v in pairs(d) do k[#k+1] = n .. "=" .. (type(v) == "table" and "table" or tostring(v)) end table.sort(k) print(table.concat(k, " "))
end
try(os.time, 1) try(os.time, "x") print(math.type(os.time()), os.time() - os.time(nil)) try(os.time, setmetatable({}, {__index = function(_, k) return ({year=2000,month=1,day=2})[k] end}))
try(os.difftime, 10, 5) try(os.difftime, 5) try(os.difftime, "x", 1) try(os.difftime) print(math.type(os.clock()), os.clock() >= 0)
try(os.getenv, "HOME") try(os.getenv, "NOPE_NOPE") try(os.getenv) try(os.getenv, {})
try(os.remove, "/nonexistent/file") try(os.rename, "/nonexistent/a", "/nonexistent/b") try(os.remove) try(os.rename, "x")
local n = os.tmpname() print(n:match("^/tmp/lua_......$") ~= nil) local f = io.open(n, "w") f:write("x") f:close() print(os.rename(n, n .. "x")) print(os.remove(n .. "x")) print((select(2, os.remove(n)):gsub("lua_......", "N")))
try(os.setlocale) try(os.setlocale, nil, "all") try(os.setlocale, "C", "numeric") try(os.setlocale, "nope") try(os.setlocale, "C", "bad") try(os.setlocale, "", "collate") try(os.setlocale, {}) try(os.setlocale, "C.utf8") try(os.setlocale, nil, "ctype") print(("é"):upper(), ("é"):find("%a")) try(os.setlocale, "C")
try(os.execute) try(os.execute, "exit 3") try(os.execute, "true") try(os.execute, "kill -9 $$") try(os.execute, {}) 
try(os.exit, {}) try(os.exit, "x")
