-- Table functions and basic functions that compiled code calls directly.
local log = {}
local function note(...) log[#log + 1] = table.concat({ ... }, " ") end

local function push(t, v) table.insert(t, v) return #t end
local function pop(t) local v = table.remove(t) return v end
local function three(t, i, j) local a, b, c = table.unpack(t, i, j) return a, b, c end
local function get(t, k) local v = rawget(t, k) return v end
local function put(t, k, v) local r = rawset(t, k, v) return r == t end
local function same(a, b) local r = rawequal(a, b) return r end
local function size(t) local n = rawlen(t) return n end
local function meta(t, mt) local r = setmetatable(t, mt) return r == t end
local function metaof(v) local r = getmetatable(v) return r end
local function follow(t, k) local a, b = next(t, k) return a, b end

local t = {}
for i = 1, 30 do assert(push(t, i * i) == i) end
for i = 1, 10 do assert(pop(t) == (31 - i) ^ 2) end
for i = 1, 10 do three(t); get(t, i); put(t, i, i); same(t, i); size(t); meta({}, t); metaof(t); follow(t) end
print(three(t), three(t, 19), three(t, 2, 3), three(t, 5, 4), three({}, 1, 2))
print(pcall(three, t, "2"), pcall(three, t, 1.5), pcall(three, nil), pcall(three, t, math.mininteger, math.maxinteger))
print(pcall(three, t, 1, 1e8))
print(pop({}), pop({ 1 }), pcall(pop, nil), pcall(pop, "x"))
print(pcall(push, nil, 1), pcall(push, t), push({}, nil))

-- Metatables are respected.
local seen = setmetatable({}, { __len = function() return 3 end, __newindex = function(t, k, v) note("set", k, v) rawset(t, k, v) end })
push(seen, "v")
note("at", tostring(rawget(seen, 4)))
local ghost = setmetatable({}, { __len = function() return 2 end, __index = function(_, k) return "ghost" .. k end })
note("popped", pop(ghost))
note("three", three(ghost, 1, 3))
print(table.concat(log, "; "))

print(get(t, 1), get(t, "x"), get(t, 1.0), get(t, 0 / 0), pcall(get, nil, 1), pcall(get, 1, 1))
print(put({}, 1, 2), pcall(put, {}, nil, 1), pcall(put, {}, 0 / 0, 1), pcall(put, 1, 1, 1))
print(same(1, 1.0), same("a" .. 1, "a1"), same(("x"):rep(50), ("x"):rep(50)), same({}, {}))
print(size("abc"), size({ 1, 2 }), pcall(size, 5))
print(meta({}, {}), pcall(meta, {}, 1), pcall(meta, 1, {}), meta({}, nil), pcall(meta, setmetatable({}, { __metatable = 1 }), {}))
print(metaof(1), metaof("").__index == string, metaof(setmetatable({}, { __metatable = "locked" })), metaof({}))
print(follow({ 10 }), follow({ 10 }, 1), follow({}), pcall(follow, {}, "no key"), pcall(follow, nil))

local collected = 0
local function finalized() return meta({}, { __gc = function() collected = collected + 1 end }) end
for _ = 1, 10 do finalized() end
collectgarbage() collectgarbage()
print("collected", collected)

-- Loops over pairs, ipairs, next, in a function that is warm for each of them.
local function walk(f, ...)
  local n, sum = 0, 0
  for k, v in f(...) do n = n + 1; sum = sum + (tonumber(v) or 0) + (tonumber(k) or 0) end
  return n, sum
end
local function plain(t) return next, t end
local list, map = { 1, 2, 3, nil, 5 }, { a = 1, b = 2, [10] = 3, [1.5] = 4 }
for _ = 1, 10 do walk(pairs, list) walk(ipairs, list) walk(plain, map) walk(pairs, map) end
print(walk(pairs, list)) print(walk(ipairs, list)) print(walk(plain, map))
print(walk(pairs, setmetatable({}, { __pairs = function(t) return function(_, k) k = (k or 0) + 1 if k < 4 then return k, k end end, t, nil end })))
print(walk(ipairs, setmetatable({}, { __index = function(_, i) if i < 5 then return i * 10 end end })))
print(pcall(walk, pairs, nil)) print(pcall(walk, ipairs)) print(pcall(walk, ipairs, nil)) print(pcall(walk, plain, 5))
print(walk(string.gmatch, "1 2 3", "%d"))
local function counts(t)
  local c = {}
  for _, w in ipairs(t) do c[w] = (c[w] or 0) + 1 end
  local keys = {}
  for k in pairs(c) do keys[#keys + 1] = tostring(k) end
  table.sort(keys)
  return table.concat(keys, ",")
end
for _ = 1, 10 do counts { "a", "b", "a", 1, 2.5, true, ("long"):rep(20) } end
print(counts { "a", "b", "a", 1, 2.5, true, ("long"):rep(20) })
print(pcall(counts, { 0 / 0 }))
-- Changes during a traversal.
local function prune(t) for k, v in pairs(t) do if v % 2 == 0 then t[k] = nil end end local n = 0 for _ in next, t do n = n + 1 end return n end
for _ = 1, 10 do local x = {} for i = 1, 50 do x[i] = i x["k" .. i] = i end assert(prune(x) == 50) end
