-- Loops that append: lengths that follow the counter, arrays that grow and fill up, elements that are there already, holes, other kinds
-- on the way, arrays under two names, metatables, hash parts that are taken over, and loops that are left in the middle.

local function digest(t)
  local h = #t
  for i = 1, #t do h = (h * 31 + (t[i] and tonumber(t[i]) or 7) * 16 // 1) % 1000003 end
  return h
end

local function flags(n) local t = {} for i = 1, n do t[i] = false end return t end
local function integers(n) local t = {} for i = 1, n do t[i] = i * 3 end return t end
local function floats(n) local t = {} for i = 1, n do t[i] = i * 0.5 end return t end
local function strings(n) local t = {} for i = 1, n do t[i] = "x" end return t end
local function into(t, from, to) for i = from, to do t[i] = i + 0.25 end return t end
local function shifted(t, k, n) for i = 1, n do t[i + k] = i end return t end
local function copied(a, b, n) for i = 1, n do a[i] = b[i] end return a end
local function counted(n) local t, i = {}, 1 while i <= n do t[i] = i i = i + 1 end return t end
local function until_found(a, b, n, what)
  for i = 1, n do
    if b[i] == what then return a, i end
    a[i] = b[i]
  end
  return a
end
local function pairs_of(n) local t = {} for i = 1, n do t[2 * i - 1] = i t[2 * i] = -i end return t end
local function own_length(n) local t, s = {}, 0 for i = 1, n do t[i] = i s = s + #t end return s end
local function twice(n) local t = {} for i = 1, n do t[i] = i t[i] = t[i] + 1 end return t end

local out = {}
for n = 0, 70 do
  local f = floats(n)
  local h = #flags(n) + digest(integers(n)) + digest(f) + #strings(n) + digest(counted(n)) + digest(pairs_of(n))
  h = h + own_length(n) + digest(twice(n))
  -- Elements that are there, then new ones.
  h = h + digest(into(f, n // 2 + 1, n + 20)) + digest(into(f, 3, n + 33))
  h = h + digest(shifted(integers(n), n, 20)) + digest(shifted(integers(n), n // 2, 20))
  h = h + digest(copied({}, f, #f)) + digest(copied(f, f, #f))
  local a, at = until_found({}, f, #f, f[n])
  out[#out + 1] = (h + digest(a) + (at or 0)) % 9973
end
print("lengths", table.concat(out, " "))
for _, n in ipairs { 255, 256, 257, 1000, 4095, 4096, 4097, 70000 } do
  print(n, #flags(n), digest(integers(n)), digest(floats(n)), digest(counted(n)), own_length(n))
end

-- What stands in the way, at several places.
local function append(t, from, n, v) for i = from, n do t[i] = v + i end return t end
for k = 1, 40 do append({}, 1, 50, k) end
for _, at in ipairs { 2, 16, 17, 40 } do
  local gap = append(append({}, 1, at - 1, 1), at + 1, 50, 1)
  print("gap", at, gap[at - 1], gap[at], gap[at + 1], gap[50])
  gap[at] = 5
  local n = 0
  for i = 1, 50 do n = n + (gap[i] or 1000) end
  print("filled", n, #gap)
  print("behind", digest(append({ [at] = 77, [51] = 1 }, 1, 50, 2)))
  local kinds = append(append({}, 1, at, 1), at + 1, 50, 0.5)
  print("kinds", math.type(kinds[at]), math.type(kinds[at + 1]), digest(kinds))
  local log = {}
  local meta = setmetatable(append({}, 1, at, 1), { __newindex = function(t, i, v) log[#log + 1] = i rawset(t, i, v) end })
  print("meta", digest(append(meta, 1, 50, 3)), #log, log[1])
  local refuses = setmetatable(append({}, 1, at, 1), { __newindex = function(_, i) error("no " .. i, 0) end })
  print(pcall(append, refuses, 1, 50, 3))
  print(pcall(append, append({}, 1, at, 1), 1, 50, {}))
  print(pcall(append, nil, at, 50, 1))
end

-- The length is seen from elsewhere while the loop runs.
do
  local t = {}
  local seen = {}
  debug.sethook(function() seen[#seen + 1] = #t end, "", 100)
  for round = 1, 20 do
    t = {}
    for i = 1, 2000 do t[i] = i end
  end
  debug.sethook()
  local fits = #seen > 0
  for _, n in ipairs(seen) do fits = fits and n >= 0 and n <= 2000 end
  print("hook", fits, #t, digest(t))
  local co = coroutine.wrap(function(u) for i = 1, 300 do u[i] = i if i % 100 == 0 then coroutine.yield(#u) end end return #u end)
  local u = {}
  print("yield", co(u), co(), co(), co(), #u)
end
