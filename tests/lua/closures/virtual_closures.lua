-- Closures that nobody but one function has, and their captured variables: values, until somebody looks.

-- What training never saw happens in the other runs.
local training = os.getenv("TRINITY_TRAINING") ~= nil
local LATE = training and math.huge or 70

local function each(t, f) for i = 1, #t do f(t[i], i) end end
local function map(t, f) local out = {} for i = 1, #t do out[i] = f(t[i]) end return out end
local function filter(t, keep)
  local out, n = {}, 0
  for i = 1, #t do if keep(t[i]) then n = n + 1 out[n] = t[i] end end
  return out
end
local function fold(t, f, acc) for i = 1, #t do acc = f(acc, t[i]) end return acc end
local function times(n, f) for i = 1, n do f(i) end end

local list = {}
for i = 1, 100 do list[i] = i end

-- Callbacks that count in a variable around them.
local function callbacks(rounds)
  local total = 0
  for k = 1, rounds do
    local sum, count = 0, 0
    each(list, function(x) sum = sum + x * k count = count + 1 end)
    local m = map(list, function(x) return x + k end)
    local odd = filter(m, function(x) return (x + k) % 2 == 1 end)
    total = total + sum + count + fold(odd, function(a, x) return a + x end, 0)
  end
  return total
end
print(callbacks(50))

-- Two closures with one variable.
local function shared(n)
  local all = 0
  for k = 1, n do
    local v = 0
    local function bump(by) v = v + by end
    local function get() return v end
    local function reset() v = 0 end
    for i = 1, 20 do
      bump(i)
      if get() > 100 then all = all + get() reset() end
    end
    all = all + v
  end
  return all
end
print(shared(40))

-- Closures within closures, two levels deep.
local function deep(n)
  local out = 0
  for k = 1, n do
    local a = k
    local function outer(x)
      local b = x
      local function inner(y) a = a + y b = b + a return b end
      local r = inner(1) + inner(2)
      return r + b
    end
    out = (out + outer(k) + outer(2) + a) % 1000003
  end
  return out
end
print(deep(100))

-- Kinds that change on the way: the guard fails inside the closure, its variable goes on.
local function kinds(n)
  local sum, seen = 0, 0
  times(n, function(i)
    local x = i
    if i >= LATE then x = i + 0.5 end
    sum = sum + x
    seen = seen + 1
  end)
  return sum, seen, math.type(sum)
end
print(kinds(60)) print(kinds(100))

-- Errors inside, caught around.
local function errors(n)
  local done = 0
  local ok, message = pcall(function()
    local here = 0
    times(n, function(i)
      here = here + 1
      done = done + 1
      local t = list
      if i >= LATE then t = nil end
      here = here + t[1]
    end)
    return here
  end)
  return ok, message, done
end
for _ = 1, 5 do errors(60) end
print(errors(60)) print(errors(100))

-- Two closures kept where it hardly ever happens share their variable from then on; they are what they are.
local kept = {}
local function keeps(n)
  local sum = 0
  for i = 1, n do
    local v = i
    local function inc() v = v + 1 return v end
    local function get() return v end
    sum = sum + inc() + get()
    if i % 40 == 0 or i >= LATE then
      kept[#kept + 1] = { inc, get, inc }
      sum = sum + inc()
    end
    sum = sum + get()
  end
  return sum
end
print(keeps(60)) print(keeps(90))
for i = 1, #kept, 5 do
  local inc, get, same = kept[i][1], kept[i][2], kept[i][3]
  io.write(inc(), " ", get(), " ", same(), " ", get(), " ", tostring(inc == same), " ", tostring(inc ~= get), "; ")
  assert(debug.upvalueid(inc, 1) == debug.upvalueid(get, 1) and debug.upvalueid(inc, 1) == debug.upvalueid(same, 1))
end
print()

-- Identity.
local function identity(n)
  local same, other = 0, 0
  for i = 1, n do
    local v = i
    local f = function() return v end
    local g = f
    local h = function() return v end
    if f == g then same = same + 1 end
    if f ~= h then other = other + f() - h() + 1 end
    if f == i or f == nil or not f then same = -1 end
  end
  return same, other
end
print(identity(50))

-- One closure or another.
local function either(n)
  local s = 0
  for i = 1, n do
    local k = i
    local up = function(x) k = k + x return k end
    local down = function(x) k = k - x return k end
    local f = i % 3 == 0 and down or up
    s = s + f(2) + up(1) + k
    local last
    if i % 2 == 0 then last = function() return k end else last = function() return -k end end
    s = s + last()
  end
  return s
end
print(either(40))

-- From iteration to iteration: a fresh variable each time.
local function carried(n)
  local before, s
  s = 0
  for i = 1, n do
    local x = i
    local f = function() x = x + 1 return x end
    if before then s = s + before() * 2 end
    s = s + f()
    before = f
  end
  return s + before()
end
print(carried(30))

-- A variable that is a table, a table that has the closure.
local function tables(n)
  local s = 0
  for i = 1, n do
    local p = { x = i, y = 0 }
    local function move(dx) p.x = p.x + dx p.y = p.y - dx end
    move(1) move(2)
    p = { x = p.x * 2, y = p.y }
    move(3)
    local object = { get = function() return p.x + p.y end, move = move }
    object.move(4)
    s = s + object.get() + p.x
  end
  return s
end
print(tables(40))

-- Jumps: continue, break, repeat with a condition about a captured variable.
local function jumps(n)
  local s = 0
  for i = 1, n do
    local v = i
    local function add(x) v = v + x end
    if i % 4 == 0 then goto continue end
    add(1)
    if i % 50 == 0 then break end
    repeat
      local w = v
      local function up() w = w + 3 return w end
      v = v + up() % 5
      add(1)
    until w % 7 == 0 or up() > 200
    s = s + v
    ::continue::
    s = s + 1
  end
  return s
end
print(jumps(60))

-- Recursion: the function is its own captured variable.
local function recursion(n)
  local calls = 0
  local function fib(k) calls = calls + 1 if k < 2 then return k end return fib(k - 1) + fib(k - 2) end
  local even, odd
  function even(k) calls = calls + 1 if k == 0 then return true end return odd(k - 1) end
  function odd(k) calls = calls + 1 if k == 0 then return false end return even(k - 1) end
  local s = 0
  for i = 1, n do s = s + fib(i % 9) if even(i) then s = s + 1 end end
  return s, calls
end
print(recursion(30))

-- Iterators with variables of their own.
local function range(n, by) local i = 0 return function() i = i + (by or 1) if i <= n then return i end end end
local function items(t) local i = 0 return function() i = i + 1 local v = t[i] if v ~= nil then return i, v end end end
local function iterate(n)
  local s = 0
  for k = 1, n do
    for i in range(k) do s = s + i if i >= LATE then s = s + 0.5 break end end
    for i in range(20, 3) do for j in range(i) do s = s + j end end
    for i, v in items(list) do s = s + i * v if i > 30 then break end end
  end
  return s
end
print(iterate(60)) print(iterate(90))

-- Changed by others that were made: loops with both.
local setters = {}
local function both(n)
  local a, b = 0, 0
  local function ab(x) a = a + x b = b + 1 return a end
  setters[1] = function(x) a = x end
  for i = 1, n do
    ab(i)
    if i % 10 == 0 then setters[1](i) end
  end
  return a, b
end
print(both(55))

-- Values of all kinds in one variable.
local function anything(n)
  local v
  local out = {}
  local function set(x) v = x end
  local function get() return v end
  for i = 1, n do
    local k = i % 6
    if k == 0 then set(i) elseif k == 1 then set(i + 0.25) elseif k == 2 then set("s" .. i)
    elseif k == 3 then set(nil) elseif k == 4 then set(true) else set(get) end
    local x = get()
    out[i] = x == get and "get" or tostring(x)
  end
  return table.concat(out, " ")
end
print(anything(24))

-- Extra arguments, missing ones, several results.
local function arity(n)
  local s, last = 0, nil
  for i = 1, n do
    local k = i
    local function two(a, b) k = k + (b or 1) return a, k, b end
    local x, y, z = two(i)
    local p, q, r, t = two(i, 2, 3)
    s = s + x + y + p + q + r
    last = tostring(z) .. tostring(t)
  end
  return s, last
end
print(arity(30))
