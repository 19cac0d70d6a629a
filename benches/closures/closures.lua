-- Closures made and called: counters with shared upvalues, composed functions, map/filter/fold, memo tables.
local N = tonumber(arg[1] or 350)

local function counter(step)
  local value = 0
  local function bump() value = value + step end
  local function get() return value end
  return bump, get
end

local function compose(f, g)
  return function(x) return g(f(x)) end
end

local function add(n) return function(x) return x + n end end
local function mul(n) return function(x) return x * n end end
local function mod(n) return function(x) return x % n end end

local function map(xs, f)
  local out = {}
  for i = 1, #xs do out[i] = f(xs[i]) end
  return out
end

local function filter(xs, keep)
  local out, n = {}, 0
  for i = 1, #xs do
    if keep(xs[i]) then
      n = n + 1
      out[n] = xs[i]
    end
  end
  return out
end

local function fold(xs, f, acc)
  for i = 1, #xs do acc = f(acc, xs[i]) end
  return acc
end

local function memoize(f)
  local cache = {}
  return function(n)
    local v = cache[n]
    if v == nil then
      v = f(n)
      cache[n] = v
    end
    return v
  end
end

local xs = {}
for i = 1, 10000 do xs[i] = i end

local h = 0
for round = 1, N do
  local bump, get = counter(round)
  local step = compose(compose(add(round), mul(3)), mod(10007))
  local ys = map(xs, function(x)
    bump()
    return step(x)
  end)
  local odd = filter(ys, function(y) return (y + round) % 2 == 1 end)
  h = fold(odd, function(a, y) return (a * 31 + y) % 1000003 end, h + get())
  local collatz
  collatz = memoize(function(n)
    if n == 1 then return 0 end
    if n % 2 == 0 then return 1 + collatz(n / 2) end
    return 1 + collatz(3 * n + 1)
  end)
  for i = 1, 300 do h = h + collatz(i) end
  h = h % 1000003
end
print(string.format("closures %d", h))
