-- Captured variables that are closures from their beginning: calls of them need no look at what they are, until the debug library changes that.

local function double(x) return x * 2 end
local half = function(x) return x // 2 end

local function apply(n)
  local s = 0
  for i = 1, n do s = s + double(i) - half(i) end
  return s
end
print(apply(100))

-- Its own variable, one of an outer function, one made anew in each round.
local function fact(n) if n < 2 then return 1 end return n * fact(n - 1) end
print(fact(20))
local function rounds()
  local all = {}
  for i = 1, 4 do
    local function add(x) return x + i end
    all[i] = function(x) return add(add(x)) end
  end
  return all
end
for i, f in ipairs(rounds()) do io.write(f(i * 10), " ", f(1), "\n") end

-- Not always a closure, or not always that one.
local function choose(flag)
  local f = flag and function() return "made" end
  return function() return f and f() or f end
end
for _ = 1, 20 do choose(true)() end
print(choose(true)(), choose(false)(), choose(nil)())
local later
local function use() return later and later() or "nothing yet" end
print(use())
later = function() return "later" end
print(use())
local f1 = function() return 1 end
local function call1() return f1() end
print(call1())
f1 = function() return 2 end
print(call1())
do
  local f = function() return "first" end
  local function g() return f() end
  print(g())
end
do
  local f = function() return "second" end
  local function g() return f() end
  print(g())
end

-- More and fewer arguments, several results, tail calls, errors with their places.
local function two(a, b) return a, b end
local function spread() local x, y, z = two(1) local p = two(1, 2, 3) return x, y, z, p, two(4, 5) end
print(spread())
local function tail(n) return two(n, n) end
print(tail(3))
local function fails(t) return t.x.y end
local function around(t) local v = fails(t) return v end
for _ = 1, 10 do around { x = {} } end
print(pcall(around, {}))
print(select(2, xpcall(around, debug.traceback, {})))

-- debug.setupvalue and debug.upvaluejoin while frames of the callers wait.
local function change(f, name, value)
  for i = 1, 10 do
    local n = debug.getupvalue(f, i)
    if n == name then return debug.setupvalue(f, i, value) end
  end
end
local function inner() return "old" end
local function outer(n)
  local s = inner()
  if n > 0 then s = s .. outer(n - 1) end
  return s .. inner()
end
for _ = 1, 20 do outer(2) end
print(outer(2))
print(change(outer, "inner", function() return "new" end))
print(outer(2))
change(apply, "double", function(x) return x end)
print(apply(100))
change(apply, "half", print)
print(pcall(apply, 1))
change(apply, "half", 5)
print(pcall(apply, 1))

-- debug.setlocal between the closure and the cell: the variable begins with something else.
local function begin()
  local g = function() return "written" end
  return function() return g() end
end
print(begin()())
local steps = 0
local replaced
debug.sethook(function()
  steps = steps + 1
  local info = debug.getinfo(2, "f")
  if info.func == begin and not replaced then
    for i = 1, 10 do
      local name, value = debug.getlocal(2, i)
      if not name then break end
      if type(value) == "function" then
        replaced = true
        debug.setlocal(2, i, function() return "replaced" end)
        break
      end
    end
  end
end, "", 1)
local h = begin()
debug.sethook()
print(replaced, h(), begin()())
print(steps > 0)
