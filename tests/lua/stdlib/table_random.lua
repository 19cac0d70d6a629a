-- The table library on random data: order functions and metamethods are called in the same order; messages.
local seed <const> = 7
local x = seed * 2654435761 % 4294967296
local function rnd(n) x = (x * 1664525 + 1013904223) % 4294967296; return (x >> 8) % n + 1 end
local function show(t, n) local r = {} for i = 1, n or #t do r[i] = tostring(t[i]) end return table.concat(r, " ") end
local gens = {function() return rnd(100) end, function() return rnd(100) / 4 end, function() return "s" .. rnd(50) end,
  function() return rnd(2) == 1 and rnd(10) or rnd(10) + 0.0 end, function() return rnd(5) == 1 and 0/0 or rnd(20) - 10.0 end,
  function() return rnd(3) == 1 and -0.0 or rnd(2) - 1.0 end, function() return ("a"):rep(rnd(60)) .. "\0" .. rnd(3) end, function() return rnd(3) == 1 and "x" or rnd(3) end}
for _, g in ipairs(gens) do
  for _, n in ipairs{0, 1, 2, 3, 4, 5, 10, 50, 99, 100, 101, 150, 500} do
    local t = {}
    for i = 1, n do t[i] = g() end
    print("sort", n, pcall(table.sort, t), show(t))
    for i = 1, n do t[i] = g() end
    local log = 0
    print("cmp", n, pcall(table.sort, t, function(a, b) log = (log * 31 + #tostring(a) * 7 + #tostring(b)) % 1000003 return tostring(a) > tostring(b) end), log, show(t))
    for i = 1, n do t[i] = g() end
    print("bad", n, pcall(table.sort, t, function(a, b) return rnd(2) == 1 end))
    print("true", n, pcall(table.sort, t, function(a, b) return true end))
  end
end
-- metamethods traced
local function proxy(t, log)
  return setmetatable({}, {__index = function(_, k) log[#log+1] = "g" .. tostring(k) return t[k] end,
    __newindex = function(_, k, v) log[#log+1] = "s" .. tostring(k) .. "=" .. tostring(v) t[k] = v end, __len = function() log[#log+1] = "#" return #t end})
end
for n = 0, 12 do
  for _, f in ipairs{
    function(p) return table.sort(p) end, function(p) return table.sort(p, function(a, b) return a > b end) end,
    function(p) return table.insert(p, 99) end, function(p) return table.insert(p, 1, 99) end, function(p) return table.insert(p, n // 2 + 1, 99) end,
    function(p) return table.remove(p) end, function(p) return table.remove(p, 1) end, function(p) return table.remove(p, #p + 1) end,
    function(p) return table.concat(p, ",") end, function(p) return table.unpack(p) end, function(p) return table.move(p, 1, n, 2) end,
    function(p) return table.move(p, 2, n, 1) end, function(p) local q = {} table.move(p, 1, n, 3, q) return show(q, n + 3) end} do
    local t, log = {}, {}
    for i = 1, n do t[i] = rnd(20) end
    print(n, select(2, pcall(f, proxy(t, log))) == nil, show(t), table.concat(log, " "))
  end
end
-- random ops on plain tables
for round = 1, 300 do
  local t = {}
  local mode = rnd(4)
  for i = 1, 40 do
    local v = mode == 1 and rnd(100) or mode == 2 and rnd(100) / 8 or mode == 3 and "v" .. rnd(9) or (rnd(3) == 1 and rnd(9) or rnd(3) == 1 and true or "x")
    local r = rnd(8)
    if r <= 3 then table.insert(t, v)
    elseif r == 4 then table.insert(t, rnd(#t + 1), v)
    elseif r == 5 then t[#t+1] = v
    elseif r == 6 and #t > 0 then table.remove(t, rnd(#t))
    elseif r == 7 then table.remove(t)
    else pcall(table.insert, t, rnd(50) - 5, v) end
  end
  print(round, #t, show(t), select("#", table.unpack(t)))
  local p = table.pack(table.unpack(t))
  print(p.n, show(p, p.n))
  local a, b, c = rnd(#t + 3) - 1, rnd(#t + 3) - 1, rnd(#t + 5) - 2
  print(pcall(function() return show(table.move(t, a, b, c), 45) end))
end
for _, f in ipairs{
  function() return table.insert({1,2,3}, 6, 1) end, function() return table.insert({}, 0, 1) end, function() return table.insert({1,2}) end,
  function() return table.insert({}, 1, 2, 3) end, function() return table.remove({1,2}, 5) end, function() return table.remove({}, 0) end, function() return table.remove({}, 1) end, function() return table.remove({}, 2) end,
  function() return table.remove({n=1}, -1) end, function() return table.concat({1,{},3}) end, function() return table.concat({1,2},",",1,3) end, function() return table.concat({}, 1) end,
  function() return table.concat({1,2,3}, ", ", 2) end, function() return table.concat({1.5,2,"x"}, 0) end, function() return table.concat({}, "x", math.maxinteger, math.mininteger) end,
  function() return table.concat({[math.maxinteger]="e"}, "x", math.maxinteger, math.maxinteger) end,
  function() return table.unpack({}, 1, 1e7) end, function() return table.unpack({1,2,3}, 2) end, function() return table.unpack({1,2,3}, -1, 1) end, function() return table.unpack({}, math.mininteger, math.maxinteger) end,
  function() return table.unpack({}, 1, 1e6) end, function() return select("#", table.unpack({}, 1, 200000)) end, function() return table.unpack(5) end, function() return table.unpack("abc") end,
  function() return table.sort({1,2,3}, 42) end, function() return table.sort({1,"a"}) end, function() return table.sort({{},{}}) end, function() return table.sort(nil) end,
  function() return table.sort(setmetatable({}, {__len = function() return 1 << 31 end})) end, function() return table.sort(setmetatable({}, {__len = function() return "x" end})) end,
  function() return table.move({}, 1, math.maxinteger, 2) end, function() return table.move({}, -1, math.maxinteger, 2) end, function() return table.move(1, 1, 1, 1) end, function() return table.move({}, 1, 1, 1, 5) end,
  function() return #table.pack() end, function() return table.pack(nil, nil).n end, function() return table.pack(1, nil, 3).n end, function() return table.insert(1, 2) end, function() return table.insert(setmetatable({}, {__index = 1}), 2) end,
  function() local u = io.stdout return table.insert(u, 1) end, function() return table.concat("abc") end, function() return table.concat(setmetatable({}, {__len = function() return 3.5 end})) end,
  function() return table.concat(setmetatable({}, {__len = function() return "3" end, __index = function(_, i) return i end})) end,
} do print(pcall(f)) end
print(pcall(coroutine.wrap(function() return table.sort({3, 2, 1}, function(a, b) coroutine.yield(1) return a < b end) end)))
print(pcall(coroutine.wrap(function() return table.concat(setmetatable({}, {__len = function() return 2 end, __index = function(_, i) coroutine.yield(i) return "x" end})) end)))
