-- Loops that wait for the collector by calling functions that make garbage: tables and closures that nobody keeps need not be made, but the collector must run.
local collected = 0
local function watch()
  setmetatable({}, { __gc = function() collected = collected + 1 end })
end

local function work(a, b)
  local p = { x = a, y = b }
  if a > b then p.x = p.x + 1 end
  return p.x + p.y
end
local function recursive(n)
  local p = { n }
  if n > 0 then return recursive(n - 1) + p[1] end
  return p[1]
end
local function by_loop(n)
  local s = 0
  for i = 1, n do
    local q = { i, i + 1 }
    s = s + q[1] * q[2]
  end
  return s
end
local function by_closure(n)
  local s = 0
  local add = function(x) s = s + x end
  for i = 1, n do add(i) end
  return s
end

-- so many functions are called in one place that none is code of it
local functions = { work, recursive, by_loop, by_closure }
for k = 1, 4 do functions[#functions + 1] = function(n) local p = { n, k = k } return p[1] + p.k end end
functions[#functions + 1] = function(n) local p = { n } return p[1] + 1 end
functions[#functions + 1] = function(n) local p = { y = n } return p.y + 2 end
functions[#functions + 1] = function(n) local p = { x = { n } } return p.x[1] + 3 end
local s = 0
for i = 1, 50 do
  for _, f in ipairs(functions) do s = s + f(i % 7, 50) end
end
print(s)

local function wait(f, a, b)
  watch()
  local before = collected
  repeat f(a, b) until collected > before
end
for round = 1, 3 do
  for _, f in ipairs(functions) do wait(f, round, 2) end
  print("collected", round)
end
