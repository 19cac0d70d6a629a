-- Integer keys in the hash part, nil into fields that exist, and assert, as hot code has them.
local regs = {}
for i = 0, 31 do regs[i] = 0 end
local function step(n)
  for i = 1, n do
    local d = i % 32
    regs[d] = (regs[(i * 7) % 32] + i) % 1000
    if d ~= 0 then regs[0] = 0 end
  end
end
step(5000)
local sum = 0
for i = 0, 31 do sum = sum + regs[i] end
print(sum)

local sparse = {[-1] = "a", [0] = "b", [1 << 40] = "c"}
local function swap(t, i, j) t[i], t[j] = t[j], t[i] end
for _ = 1, 101 do swap(sparse, -1, 0); swap(sparse, 0, 1 << 40) end
print(sparse[-1], sparse[0], sparse[1 << 40])

-- the entry loses its value: metamethods are asked again
local log = {}
local guarded = setmetatable({[0] = 1}, {
  __newindex = function(t, k, v) log[#log + 1] = k; rawset(t, k, v) end,
  __index = function(_, k) return k * 2 end,
})
local function put(t, k, v) t[k] = v; return t[k] end
for i = 1, 100 do
  put(guarded, 0, i)
  if i % 10 == 0 then put(guarded, 0, nil) end
end
print(#log, guarded[0], rawget(guarded, 0))

-- fields that come and go
local list = {head = nil, n = 0}
local function push(l, v) l.head = {v = v, next = l.head}; l.n = l.n + 1 end
local function pop(l)
  local h = l.head
  l.head = h.next
  h.next = nil
  l.n = l.n - 1
  return h.v
end
local acc = 0
for r = 1, 50 do
  for i = 1, 20 do push(list, i * r) end
  for _ = 1, 20 do acc = acc + pop(list) end
end
print(acc, list.n, list.head)
local watched = setmetatable({}, {__newindex = function(t, k, v) log[#log + 1] = k; rawset(t, k, v) end})
local function assign(t, v) t.field = v end
local before = #log
for i = 1, 60 do assign(watched, i % 3 ~= 0 and i or nil) end
print(#log - before, watched.field)

local function check(v, m) assert(v, m); return (assert(v)) end
local n = 0
for i = 1, 200 do n = n + check(i) end
print(n)
print(pcall(check, nil, "no"), pcall(check, false), select("#", assert(1, 2, 3)))
print(pcall(function(v) assert(v) end, nil))
