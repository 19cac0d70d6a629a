-- Constructors of every form, many times each: fields, lists, both, nil and open values, calls that collect, yield, fail or look at the table
-- while it is made; metatables, finalizers and weakness set afterwards; closures and captured variables made in loops.
local N = 300
local function keys(t)
  local ks = {}
  for k, v in pairs(t) do ks[#ks + 1] = tostring(k) .. "=" .. (type(v) == "table" and "{}" or tostring(v)) end
  table.sort(ks)
  return table.concat(ks, " ")
end
local function id(...) return ... end
local function churn()
  local t
  for i = 1, 20 do t = { i, { i } } end
  return t[1]
end

-- Fields: all kinds of values, nil and repeated ones.
local function fields(i)
  return { a = i, b = i * 0.5, c = "s", d = nil, e = i % 2 == 0, f = { i }, g = i % 3 == 0 and i or nil, a = i + 1 }
end
local last
for i = 1, N do last = fields(i) end
print(keys(last), last.d, rawlen(last))
last.d = "now"
last.h = "new"
print(keys(last), next({ x = nil }))

-- Fields that are nil at first, with and without metatables and __newindex.
local log = {}
local Class = { __index = function(_, k) return "no " .. k end }
local Strict = { __newindex = function(t, k, v) log[#log + 1] = k; rawset(t, k, v) end }
local function node(v) return { value = v, next = nil, prev = nil } end
local function link(t, o) t.next = o; o.prev = t end
for i = 1, N do
  local p, q = node(i), node(-i)
  link(p, q)
  assert(p.next.prev == p and q.next == nil)
end
for i = 1, N do
  local p, q = setmetatable(node(i), Class), setmetatable(node(-i), Class)
  assert(p.next == "no next" and p.value == i)
  link(p, q)
  assert(p.next == q and q.next == "no next")
end
for i = 1, N do link(setmetatable(node(i), Strict), setmetatable(node(-i), Strict)) end
print(#log, log[1], log[2], log[#log])
Class.__newindex = function() error("sealed") end
print(pcall(link, setmetatable(node(1), Class), node(2)))

-- Lists: kinds of elements, holes, open ends.
local function lists(i, f)
  return { i, i + 1, i + 2 }, { i + 0.5, 0.25 }, { i, 0.5 }, { "a", i, {} }, { nil, i }, { i, nil, f() }, { f() }, { (f()) }, { f(), f() }
end
local function none() end
local function one() return 1 end
local function three() return 1, 2, nil, 4 end
local function show(...)
  local out = {}
  for k = 1, select("#", ...) do
    local t = select(k, ...)
    local part = {}
    for j = 1, 5 do part[j] = type(t[j]) == "table" and "{}" or tostring(t[j]) end
    out[k] = table.concat(part, ",")
  end
  print(table.concat(out, " | "))
end
for i = 1, N do lists(i, one) end
show(lists(1, one))
show(lists(2, none))
show(lists(3, three))
for i = 1, N do
  local t = { i, i, i }
  t[#t + 1] = i
  t[#t + 1] = "x"
  t[#t + 1] = 1.5
  assert(#t == 6 and t[4] == i and t[5] == "x")
  for k = 7, 40 do t[k] = k end
  assert(#t == 40 and t[3] == i and t[40] == 40)
  for k = 40, 1, -1 do t[k] = nil end
  assert(#t == 0 and next(t) == nil)
end
print(#{ id() }, #{ id(1) }, #{ id(1, 2, 3) }, #{ 0, id(1, 2) }, #{ id(1, 2), 0 }, select("#", table.unpack({ n = 1, 2, 3 })))

-- Both, with computed keys.
local function mixed(i, k) return { i, [k] = 1, x = i, [i] = "self", "second", [1.5] = true, y = { i }, churn() } end
for i = 10, N do last = mixed(i, "k" .. i % 5) end
print(keys(last), #last)
local function numbered(i) return { [1] = i, i + 1, [3] = i } end
for i = 1, N do last = numbered(i) end
print(keys(last))

-- Work between the stores: collections, errors, coroutines.
local function busy(i)
  return { a = churn(), b = { churn(), churn(), { churn() } }, c = (function() return churn() + i end)(), churn(), churn() }
end
for i = 1, N do
  last = busy(i)
  assert(last.a == 20 and last.b[2] == 20 and last.b[3][1] == 20 and last.c == 20 + i and last[1] == 20 and #last == 2)
  if i % 50 == 0 then collectgarbage() end
end
local function failing(i) return { a = i, b = { i, (i % 7 == 0 and error("at " .. i, 0) or i) }, c = i } end
local failures = 0
for i = 1, N do
  local ok, r = pcall(failing, i)
  if not ok then failures = failures + 1 else assert(r.b[2] == i and r.c == i) end
end
print(failures, pcall(failing, 7))
local function yielding(i)
  return { x = i, y = coroutine.yield(i), coroutine.yield(-i), z = { coroutine.yield(0), coroutine.yield(0) }, coroutine.yield(1) }
end
for i = 1, 40 do
  local co = coroutine.wrap(yielding)
  co(i)
  for k = 1, 4 do co(k) end
  local t = co(5)
  assert(t.x == i and t.y == 1 and t[1] == 2 and t.z[1] == 3 and t.z[2] == 4 and t[2] == 5, i)
end

-- Somebody has the table while it is made.
local function tamper(how)
  for n = 1, 50 do
    local name, v = debug.getlocal(2, n)
    if not name then return n end
    if type(v) == "table" and rawget(v, "mine") then how(v) return 0 end
  end
end
local function made(how, i) return { mine = i, b = tamper(how), c = i, tamper(none), i, d = { i } } end
for i = 1, N do made(none, i) end
local hows = {
  function(t) t.new = 1; t.c = 2 end,
  function(t) setmetatable(t, { __newindex = function(_, k) print("new", k) end, __index = { c = 7 } }) end,
  function(t) for k = 1, 100 do t["k" .. k] = k end end,
  function(t) for k = 1, 10 do t[k] = k end end,
  function(t) t[1] = "one"; t[2.5] = 1; collectgarbage() end,
  function(t) collectgarbage(); collectgarbage("step") end,
}
for n, how in ipairs(hows) do
  local t = made(how, n)
  print(n, t.mine, t.c, t.d and t.d[1], t[1], t[2] == n or t[2])
end

-- What is set later: finalizers, weakness.
local finalized = 0
do
  local gc = { __gc = function(t) finalized = finalized + t.n end }
  for i = 1, N do setmetatable({ n = 1, self = { i } }, gc) end
end
collectgarbage()
collectgarbage()
local weak = {}
for i = 1, N do
  weak[i] = setmetatable({ v = { i }, { i }, keep = i }, { __mode = "v" })
end
collectgarbage()
local kept = 0
for i = 1, N do kept = kept + (weak[i].v == nil and 1 or 0) + (weak[i][1] == nil and 1 or 0) + (weak[i].keep == i and 1 or 0) end
print(finalized == N, kept == 3 * N)

-- Closures and their variables.
local function counter(step)
  local n, hidden = 0, { step }
  local function add(k) n = n + step * k; return n end
  return add, function() return n, hidden[1] end, function(f) hidden = { f } end
end
local adds, sum = {}, 0
for i = 1, N do
  local add, get, set = counter(i)
  adds[i] = add
  add(2)
  set("h" .. i)
  local n, h = get()
  assert(n == 2 * i and h == "h" .. i)
end
collectgarbage()
for i = 1, N do sum = sum + adds[i](1) end
local fs = {}
for i = 1, N do
  local j = i * 2
  fs[i] = function() j = j + 1; return function() return i + j end end
end
for i = 1, N do sum = sum + fs[i]()() end
print(sum, fs[3]()(), fs[3]()())

-- The collector is paid for what is made.
collectgarbage()
local before = collectgarbage("count")
local most = 0
for i = 1, 200000 do
  last = { a = i, b = { i }, c = function() return i end }
  if i % 1000 == 0 then most = math.max(most, collectgarbage("count")) end
end
print(most < before * 4 + 4000, last.c())
collectgarbage("stop")
before = collectgarbage("count")
local many = {}
for i = 1, 10000 do many[i] = { x = i, y = i } end
local grown = collectgarbage("count") - before
collectgarbage("restart")
print(grown > 10000 * 32 / 1024, grown < 10000 * 400 / 1024)
