-- Loops over arrays that compilers copy without bounds checks: all ways in which the checks would not have passed.
local function array(n)
  local t = {}
  for i = 1, n do t[i] = i * i end
  return t
end

local function sum(t, from, to)
  local s = 0
  for i = from, to do s = s + t[i] end
  return s
end
local function down(t, from, to)
  local s = 0
  for i = from, to, -1 do s = s * 3 + t[i] end
  return s
end
local function strided(t, from, to, by)
  local s = 0
  for i = from, to, by do s = s * 3 + t[i] end
  return s
end
local function by3(t, from, to)
  local s = 0
  for i = from, to, 3 do s = s * 3 + t[i] end
  return s
end
local function by4(t, from, to)
  local s = 0
  for i = from, to, 4 do s = s * 3 + t[i] end
  return s
end
local function around(t, from, to)
  local s = 0
  for i = from, to do s = s * 3 + t[i - 2] + t[i] - t[i + 1] end
  return s
end
local function moved(t, from, to, by)
  local s = 0
  for i = from, to do s = s * 3 + t[by + i] + t[i + by + 1] end
  return s
end
local function while_below(t, i, n)
  local s = 0
  while i < n do
    s = s * 3 + t[i]
    i = i + 1
  end
  return s
end
local function while_up_to(t, i, n)
  local s = 0
  while i <= n do
    s = s * 3 + t[i]
    i = i + 2
  end
  return s
end
local function copy(a, b, from, to)
  for i = from, to do b[i] = a[i] end
  return #b
end

local t = array(40)
for _ = 1, 8 do
  sum(t, 1, 40) down(t, 40, 1) strided(t, 1, 40, 3) by3(t, 1, 40) by4(t, 1, 40) around(t, 3, 39)
  moved(t, 1, 20, 5) while_below(t, 1, 41) while_up_to(t, 1, 40) copy(t, {}, 1, 40)
end
local min, max = math.mininteger, math.maxinteger
local function try(name, f, ...)
  local ok, r = pcall(f, ...)
  print(name, ok, ok and r or tostring(r):match(":%d+: .*"))
end
local bounds = { { 1, 40 }, { 1, 41 }, { 0, 40 }, { -3, 5 }, { 5, 4 }, { 40, 1 }, { 40, 40 }, { 41, 41 }, { 39, 42 },
  { max - 2, max }, { min, min + 2 }, { min, max }, { max, min }, { 1, max }, { -1, -1 }, { 0, 0 } }
for _, b in ipairs(bounds) do
  local from, to = b[1], b[2]
  print(from, to)
  try("sum", sum, t, from, to)
  try("down", down, t, to, from)
  try("down'", down, t, from, to)
  try("by3", by3, t, from, to)
  try("by4", by4, t, from, to)
  try("around", around, t, from, to)
  try("below", while_below, t, from, to)
  try("up to", while_up_to, t, from, to)
  for _, by in ipairs { 1, 2, 5, 7, 39, -1, max, min, 0 } do
    try("strided " .. by, strided, t, from, to, by)
    try("moved " .. by, moved, t, from, to, by)
  end
end

-- Elements before the array, and beyond it, that are in the hash part or come from metamethods.
local u = array(20)
u[0], u[-1], u[22], u[30] = "1000", 7, 9, 11
try("hash", sum, u, -1, 20)
try("hash", sum, u, 0, 21)
local v = setmetatable(array(10), { __index = function(_, k) return k * 100 end })
try("metamethod", sum, v, -2, 14)
try("metamethod", around, v, 1, 12)
try("metamethod", moved, v, 1, 12, 3)
local log = {}
local w = setmetatable(array(5), { __newindex = function(_, k, x) log[#log + 1] = k .. "=" .. tostring(x) end })
try("newindex", copy, array(9), w, 1, 9)
print(table.concat(log, " "))

-- Arrays that change length, kind or size in the loop.
local function shrink(t, n)
  local s = 0
  for i = 1, n do
    s = s + (t[i] or 1000)
    if i % 3 == 0 then t[#t] = nil end
  end
  return s, #t
end
local function grow(t, n)
  for i = 2, n do t[i] = t[i - 1] + i end
  return #t
end
local function mixed(t, n, at)
  local s = ""
  for i = 1, n do
    if i == at then t[i] = "x" end
    s = s .. t[i]
  end
  return s
end
for _ = 1, 6 do
  print(shrink(array(30), 30), grow({ 1 }, 50), grow(array(10), 10), grow(array(10), 30), mixed(array(9), 9, 5))
end
local function fibonacci(t, n)
  for i = 3, n do t[i] = t[i - 1] + t[i - 2] end
  return t[n]
end
for n = 3, 70, 6 do
  local f = { 1, 1 }
  print(fibonacci(f, n), fibonacci(f, n // 2 + 2), fibonacci(f, n))
end

-- What is indexed on some ways only need not be a table.
local function some(t, o, n)
  local s = 0
  for i = 1, n do
    if t[i] > 50 then
      s = s + o[i]
      o[i + 1] = i
    else
      t[i] = t[i]
    end
  end
  return s
end
for _ = 1, 8 do print(some(array(9), array(9), 9)) end
try("nil", some, array(7), nil, 7)
try("nil", some, array(9), nil, 9)
try("number", some, array(9), 5, 9)
try("string", some, array(9), "x", 9)

-- Booleans, floats, and strings by position.
local function sieve(n)
  local c, count = {}, 0
  for i = 1, n do c[i] = false end
  for i = 2, n do
    if not c[i] then
      count = count + 1
      for j = i * i, n, i do c[j] = true end
    end
  end
  return count
end
for n = 0, 200, 25 do print(n, sieve(n)) end
local function dot(a, b, n)
  local s = 0.0
  for i = 1, n do s = s + a[i] * b[n + 1 - i] end
  return s
end
local x, y = {}, {}
for i = 1, 12 do x[i], y[i] = i / 2, i / 4 end
for n = 0, 12, 3 do print(dot(x, y, n)) end
try("float", dot, x, y, 13)
local function bytes(s, from, to)
  local h = 0
  for i = from, to do h = h * 31 + (s:byte(i) or 1) end
  return h
end
for _ = 1, 5 do bytes("hello, world", 1, 12) end
for _, b in ipairs { { 1, 12 }, { -3, 3 }, { 0, 0 }, { 10, 14 }, { max - 1, max }, { min, min + 1 } } do
  print(bytes("hello, world", b[1], b[2]))
end
local function lengths(s)
  local n = 0
  for i = 1, #s do n = n + i end
  return n
end
for _ = 1, 6 do lengths("abc") end
print(lengths("abcd"), lengths(("x"):rep(100)), lengths({ 1, 2 }))
try("length", lengths, 5)
