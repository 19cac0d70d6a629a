-- Garbage of every kind made in bulk; what stays alive must stay intact.
local live = {}
for i = 1, 100 do live[i] = { id = i, list = { i, i + 1, i + 2 }, name = "object" .. i, fn = function() return i end } end
for round = 1, 20 do
  local junk = {}
  for i = 1, 2000 do junk[i] = { {}, "s" .. i .. "r" .. round, function() return junk end, coroutine.create(function() return i end) } end
  for i = 1, 50 do local s = ("x"):rep(i * 100) junk[s] = s .. "y" end
  if round % 5 == 0 then collectgarbage("step", 10) end
end
local sum = 0
for i = 1, 100 do
  local o = live[i]
  assert(o.id == i and o.name == "object" .. i and o.fn() == i and #o.list == 3 and o.list[3] == i + 2)
  sum = sum + o.id
end
print(sum)
local cos = {}
for i = 1, 100 do cos[i] = coroutine.wrap(function() local t = { i } while true do coroutine.yield(t[1]) t = { t[1] + 1 } end end) end
for _ = 1, 10 do for i = 1, 100 do cos[i]() end collectgarbage("step") end
sum = 0 for i = 1, 100 do sum = sum + cos[i]() end
print(sum)
local list for i = 1, 100000 do list = { next = list, value = i } end
collectgarbage()
local n = 0 while list do n = n + list.value list = list.next end
print(n)
