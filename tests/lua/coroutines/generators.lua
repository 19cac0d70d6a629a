-- Producers, consumers, permutations, tree walks, same fringe, scheduler.
local function permgen(a, n)
  n = n or #a
  if n <= 1 then coroutine.yield(a) else
    for i = 1, n do
      a[n], a[i] = a[i], a[n]
      permgen(a, n - 1)
      a[n], a[i] = a[i], a[n]
    end
  end
end
for p in coroutine.wrap(function() permgen { 1, 2, 3 } end) do print(table.concat(p, " ")) end
local function leaves(t) if type(t) ~= "table" then coroutine.yield(t) else for _, x in ipairs(t) do leaves(x) end end end
local function same(a, b)
  local f, g = coroutine.wrap(leaves), coroutine.wrap(leaves)
  local x, y = f(a), g(b)
  while x == y do
    if x == nil then return true end
    x, y = f(), g()
  end
  return false, x, y
end
print(same({ 1, { 2, 3 } }, { { 1, 2 }, 3 }))
print(same({ 1, { 2, 4 } }, { { 1, 2 }, 3 }))
local function producer() return coroutine.create(function() for _, l in ipairs { "a", "b", "c" } do coroutine.yield(l) end end) end
local function filter(p) return coroutine.create(function() local n = 0 while true do local _, v = coroutine.resume(p) if not v then return end n = n + 1 coroutine.yield(n .. ":" .. v) end end) end
local f = filter(producer())
while true do local _, v = coroutine.resume(f) if not v then break end print(v) end
local queue, out = {}, {}
local function spawn(name, n) queue[#queue + 1] = coroutine.wrap(function() for i = 1, n do out[#out + 1] = name .. i coroutine.yield(true) end end) end
spawn("x", 3) spawn("y", 1) spawn("z", 2)
while #queue > 0 do local t = table.remove(queue, 1) if t() then queue[#queue + 1] = t end end
print(table.concat(out, " "))
local fib = coroutine.wrap(function() local a, b = 0, 1 while true do coroutine.yield(a) a, b = b, a + b end end)
for _ = 1, 15 do io.write(fib(), " ") end
print()
local many, sum = {}, 0
for i = 1, 2000 do many[i] = coroutine.wrap(function() local v = i while true do v = v + coroutine.yield(v) end end) many[i]() end
for i = 1, 2000 do sum = sum + many[i](i) end
print(sum)
