-- Tables read and written by computed strings and by objects; == of tables; the end of ipairs.
local function count(t, k) t[k] = (t[k] or 0) + 1 return t[k] end
local words, n = {}, 0
for w in ("the quick brown fox jumps over the lazy dog and the cat"):gmatch("%a+") do n = n + count(words, w) end
print(n, words.the, words.fox, words.none, words[1])
-- Other kinds of keys than those that were there before, at the same places.
print(count(words, 1), count(words, 1), count(words, 2.0), count(words, 2), count(words, 1.5), count(words, true))
print(count(words, ("long key "):rep(10)), count(words, ("long key "):rep(10)), words[("long key "):rep(10)])
print(pcall(count, words, nil))
print(select(2, pcall(count, words, 0 / 0)))
print(pcall(count, nil, "x"), pcall(count, "string", "x"))
local log = {}
local proxy = setmetatable({}, {
  __index = function(_, k) log[#log + 1] = "get " .. tostring(k) return 10 end,
  __newindex = function(t, k, v) log[#log + 1] = "set " .. tostring(k) rawset(t, k, v) end,
})
print(count(proxy, "a"), count(proxy, "a"), count(proxy, "b"), table.concat(log, ","))
-- A table with many fields, one whose fields are removed, one that was emptied while it was traversed.
local many = {}
for i = 1, 300 do count(many, "k" .. i % 100) end
for i = 1, 99 do many["k" .. i] = nil end
print(many.k0, many.k1, next(many), count(many, "k5"), count(many, "k0"))

local function mark(set, o) if set[o] then return false end set[o] = true return true end
local objects, set = {}, {}
for i = 1, 50 do objects[i] = { i } end
local new = 0
for i = 1, 200 do if mark(set, objects[i % 60 + 1] or objects[1]) then new = new + 1 end end
print(new, mark(set, {}), mark(set, print), mark(set, print), mark(set, 7), mark(set, 7), mark(set, "s"), mark(set, "s"))

-- Identity of tables, with metatables of their own, in common, with __eq and without.
local function same(a, b) return a == b end
local function differ(a, b) return a ~= b end
local plain, mt = {}, {}
local x, y = setmetatable({}, mt), setmetatable({}, mt)
for _ = 1, 30 do assert(same(x, x) and not same(x, y) and differ(plain, x) and not same(plain, {})) end
mt.__eq = function(a, b) return rawequal(a, x) or rawequal(b, x) end
print(same(x, y), same(y, x), same(y, setmetatable({}, mt)), same(plain, x), same(x, plain), differ(x, y), same(x, 1), same("x", x))
mt.__eq = nil
print(same(x, y), differ(x, y))
local other = setmetatable({}, { __eq = function() return true end })
print(same(x, other), same(other, x), same(other, plain), same(plain, other), same(io.stdout, io.stderr), same(io.stdout, io.stdout))
print(same(1, 1.0), same("a", "a"), same(nil, false), same(0 / 0, 0 / 0), same(("x"):rep(50), ("x"):rep(50)))

local function sum(t) local s, last = 0, 0 for i, v in ipairs(t) do s, last = s + v, i end return s, last end
local holes = { 1, 2, 3 }
for _ = 1, 30 do sum(holes) sum {} end
print(sum { 1, 2, nil, 4 }, sum { [1] = 1, [2] = 2, [4] = 4 }, sum { x = 1, 5 })
local hashed = { 1 }
hashed[3] = 3 hashed[2] = 2
print(sum(hashed))
print(sum(setmetatable({ 1, 2 }, { __index = function(_, i) if i <= 5 then return i * 10 end end })), sum(setmetatable({ 4 }, {})))
local shrinking, steps = { 1, 2, 3, 4 }, 0
for i in ipairs(shrinking) do shrinking[#shrinking] = nil steps = steps + i end
print(steps, #shrinking)
