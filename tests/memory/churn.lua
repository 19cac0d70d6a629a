-- Far more garbage of every kind than the address space has room for, with the collector stopped: only collections for lack of memory
-- keep this going. Run under `ulimit -v`.
collectgarbage("stop")
local function lists(n) local t for _ = 1, n do t = { t } t[1] = nil end return n end
local function strings(n) local s = 0 for i = 1, n do s = s + #(("x"):rep(1000000 + i) .. i) end return s end
local function arrays(n) local s = 0 for _ = 1, n do local t = {} for j = 1, 300000 do t[j] = j end s = s + #t end return s end
local function maps(n) local s = 0 for _ = 1, n do local t = {} for j = 1, 100000 do t[j * 2.5] = j end s = s + t[2.5] end return s end
local function fields(n) local s = 0 for i = 1, n do local t = {} for j = 1, 20000 do t["k" .. j] = i end s = s + t.k7 end return s end
local function joins(n) local s = 0 for _ = 1, n do local t = {} for j = 1, 50000 do t[#t + 1] = "line " .. j end s = s + #table.concat(t, "\n") end return s end
local function inserts(n) local s = 0 for _ = 1, n do local t = {} for j = 1, 200000 do table.insert(t, j) end s = s + #t end return s end
local function closures(n) local f for i = 1, n do local x = i f = function() return x end end return f() end
local live = {}
for i = 1, 20000 do live[i] = { i, tostring(i) } end
print(lists(2000000), strings(200), arrays(40), maps(40), fields(15), joins(30), inserts(40), closures(2000000))
for i = 1, 20000 do assert(live[i][1] == i and live[i][2] == tostring(i)) end
-- What is alive does not fit: an error, and all is well again.
print(pcall(function() local s = "x" while true do s = s .. s end end))
print(pcall(function() local t = {} for i = 1, math.huge do t[i] = ("y"):rep(100000) .. i end end))
print(lists(100000), strings(10))
