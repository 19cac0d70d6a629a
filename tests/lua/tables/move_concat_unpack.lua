-- table.move, concat, unpack, pack: ranges, overlaps, metamethods, extremes, errors.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local function show(t, n) local o = {} for i = 1, n or #t do o[i] = tostring(t[i]) end print(table.concat(o, " ")) end
show(table.move({ 1, 2, 3, 4, 5 }, 2, 4, 1)) show(table.move({ 1, 2, 3, 4, 5 }, 1, 4, 2)) show(table.move({ 1, 2, 3 }, 1, 3, 4), 6) show(table.move({ 1, 2, 3 }, 2, 1, 5)) show(table.move({ 1, 2, 3 }, 1, 3, 1, {})) show(table.move({ 1, 2, 3 }, 0, 2, 1, {}), 3) show(table.move({ 1, 2, 3 }, 1, 3, 3), 5)
print(try(table.move, {}, 1, math.maxinteger, 2), try(table.move, {}, -1, math.maxinteger, 2), try(table.move, {}, math.mininteger, 0, 2), try(table.move, 1, 1, 1, 1), try(table.move, {}, 1, 2))
print(table.move({ [math.maxinteger - 1] = "x", [math.maxinteger] = "y" }, math.maxinteger - 1, math.maxinteger, 1)[2], pcall(table.move, {}, math.mininteger, math.maxinteger, 1))
local log = {}
table.move(setmetatable({}, { __index = function(_, k) log[#log + 1] = "r" .. k return k end }), 1, 3, 2, setmetatable({}, { __newindex = function(_, k, v) log[#log + 1] = "w" .. k .. "=" .. v end }))
print(table.concat(log, " "))
print(table.concat({}), table.concat({ 1 }), table.concat({ 1, 2.5, "x" }, ", "), table.concat({ 1, 2, 3 }, "-", 2), table.concat({ 1, 2, 3 }, "-", 2, 3), table.concat({ 1, 2, 3 }, "-", 3, 2), table.concat({ "a", "b" }, 1), #table.concat({}, "x", 1, 0))
print(try(table.concat, { 1, nil, 3 }, ",", 1, 3), try(table.concat, { true }), try(table.concat, { 1, {} }), try(table.concat, { 1 }, {}), try(table.concat), try(table.concat, { 1 }, ",", 1, 2))
print(table.concat({ [math.maxinteger] = "max" }, "", math.maxinteger, math.maxinteger), table.concat({ [math.maxinteger - 1] = "a", [math.maxinteger] = "b" }, ",", math.maxinteger - 1, math.maxinteger))
print(table.unpack({ 1, 2, 3 })) print(table.unpack({ 1, 2, 3 }, 2)) print(table.unpack({ 1, 2, 3 }, 2, 3)) print(table.unpack({ 1, 2, 3 }, 3, 2)) print(table.unpack({ 1, nil, 3 }, 1, 3)) print(table.unpack({}, 1, 3)) print(table.unpack({ 1, 2 }, -1, 1)) print(select("#", table.unpack({}, 1, 200)))
print(try(table.unpack, {}, 1, 1e8), try(table.unpack, {}, 0, math.maxinteger), try(table.unpack, {}, math.mininteger, math.maxinteger), table.unpack({}, math.maxinteger, math.maxinteger), try(table.unpack, {}, 1, "x"), table.unpack("abc" and { "s" }))
local p = table.pack() print(p.n, #p) p = table.pack(nil) print(p.n, #p) p = table.pack(1, nil, nil) print(p.n, p[1]) print(table.pack(table.unpack({ 1, 2, 3 })).n)
