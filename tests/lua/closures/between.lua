-- Kinds of arguments, results and captured variables as calls and assignments in the text tell them, and whatever makes that wrong.

-- Integers throughout.
local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
print(fib(20), math.type(fib(3)))

-- Kinds that change while a function calls itself.
local function half(n)
  if n <= 1 then return n end
  return half(n / 2) + 1
end
print(half(8), half(7))
local function mixed(n, x)
  if n == 0 then return x end
  if n % 3 == 0 then return mixed(n - 1, x / 2) end
  if n % 3 == 1 then return mixed(n - 1, x // 1) end
  return mixed(n - 1, x + 1)
end
print(mixed(9, 100), mixed(10, 7), mixed(1, 3))
local function grows(n, x)
  if n == 0 then return x end
  return grows(n - 1, x * x + n)
end
print(grows(3, 2), grows(80, 3), grows(4, 1.5))
local function power(n) if n == 0 then return 1 end return 2 ^ n + power(n - 1) end
print(power(5), power(0), math.type(power(0)))

-- Functions that call one another.
local even
local function odd(n) if n == 0 then return false end return even(n - 1) end
function even(n) if n == 0 then return true end return odd(n - 1) end
print(even(10), odd(7), even(3.0))
local function first(n) if n > 0 then return first(n - 1) end return 'done', n end
print(first(5), (first(2)))

-- Too few arguments, too many, open ones.
local function sum(a, b, c) return (a or 0) + (b or 10) + (c or 100) end
print(sum(1, 2, 3), sum(1), sum(1, 2), sum(1, 2, 3, 4), sum())
local function three() return 1, 2.5, 3 end
print(sum(three()), sum(0, three()), (three()))
local function count(...) return select('#', ...), ... end
print(count(1, 2), (count()), count(nil, nil))
local function spread(a, ...) local b, c = ... return a, b, c end
print(spread(1, 2, 3), spread(1), spread(1.5, 'x'))
local function none() end
local function nothing(x) if x then return end return none() end
local a, b = nothing(1), nothing()
print(a, b, (none()))

-- Captured variables: of one kind, of several, assigned late, shared.
local limit, factor, text, later = 10, 1.5, 'abc'
local total = 0
local function add(x) total = total + x return total end
local function uses() return limit * factor, #text, later end
print(add(1), add(2), uses())
later = 5
print(uses())
local function spoil() total = 'none' end
spoil()
print(pcall(add, 1), total)
total = 0.5
print(add(1), add(2))

-- Functions that others call: by pcall, coroutines, metamethods, the library, a table.
local function twice(x) return x + x end
print(twice(4), twice(5))
print(pcall(twice, 1.25), pcall(twice, '3'), (pcall(twice, {})), (pcall(twice)))
local wrapped = coroutine.wrap(function(n) while true do n = coroutine.yield(twice(n)) end end)
print(wrapped(1), wrapped(2.5), wrapped('7'))
local function square(x) return x * x end
print(square(3), coroutine.wrap(square)(1.5), select(2, pcall(square, '4')))
local t = setmetatable({}, { __index = function(_, k) return square(k) end, __call = function(_, x) return square(x) end })
print(t[4], t(0.5), t[2.5])
local function less(x, y) return x < y end
print(less(1, 2), less(2, 1))
local sorted = { 3, 1.5, 2 }
table.sort(sorted, less)
print(table.concat(sorted, ' '))
local words = { 'b', 'c', 'a' }
table.sort(words, less)
print(table.concat(words, ' '))
local function stored(x) return x + 1 end
local box = { f = stored }
print(stored(1), box.f(1.5), box.f('2'))
local function given(x) return x * 2 end
local function apply(f, ...) return f(...) end
print(given(3), apply(given, 0.25), apply(given, '8'))
local function either(x) return x - 1 end
local chosen = limit > 5 and either or nil
print(either(1), chosen(1.5))

-- Variables that are a function, and then another one.
local which = function(x) return x + 1 end
print(which(1))
which = function(x) return x .. '!' end
print(which(1))
local function outer()
  local function inner(x) return x + 1 end
  local r = inner(1)
  inner = function(x) return tostring(x) end
  return r, inner(2)
end
print(outer())
for i = 1, 3 do
  local function each(x) return x * i end
  print(each(i), each(2))
end

-- Errors: what is called and where.
local function fails(x) return x.y.z end
print(pcall(function() return fails({}) end))
local function never(x) error('never ' .. x, 2) end
print(pcall(function() never(1) end))
local function checks(n) if n == 0 then never(n) end return checks(n - 1) end
print(pcall(checks, 3))
local function deep(n) return 1 + deep(n + 1) end
print((pcall(deep, 1)))
local function arithmetic(x, y) return x + y end
print(arithmetic(1, 2), pcall(function() return arithmetic(1, {}) end))

-- Loops with limits of any kind.
local function loop(n, step) local s = 0 for i = 1, n, step do s = s + i end return s end
print(loop(10, 1), loop(3, 1), loop(2.5, 1))
local function floats(n) local s = 0 for x = 0.5, n do s = s + x end return s end
print(floats(3), floats(4))

-- Overflow wraps, division gives floats.
local function step(x) return x + 1 end
print(step(math.maxinteger), step(math.mininteger), step(1))
local function ratio(x, y) return x / y, x // y, x % y end
print(ratio(7, 2), pcall(function() return ratio(1, 0) end))
