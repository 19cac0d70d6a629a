-- Elements and entries that become nil, hot: stacks, rings, holes, metamethods.
local function pop(t) local n = #t; local v = t[n]; t[n] = nil; return v end
for _, make in ipairs{
  function(i) return i end, function(i) return i + 0.5 end, function(i) return "s" .. i end,
  function(i) return i % 2 == 0 end, function(i) return i % 3 == 0 and {} or i end } do
  local t, sum = {}, 0
  for r = 1, 30 do
    for i = 1, r do t[#t + 1] = make(i) end
    for i = 1, r // 2 do if pop(t) then sum = sum + 1 end end
  end
  print(#t, sum)
  while #t > 0 do pop(t) end
  print(#t, next(t))
end
-- a ring in the hash part
local head, tail, items, h = 1, 0, {}, 0
for i = 1, 3000 do
  tail = tail + 1
  items[tail] = i
  if i > 50 then
    h = (h * 31 + items[head]) % 1000003
    items[head] = nil
    head = head + 1
  end
end
local left = 0
for _ in pairs(items) do left = left + 1 end
print(h, left, items[head], items[head - 1], items[tail])
-- holes
local function clear(t, i) t[i] = nil end
local t = {}
for r = 1, 20 do
  for i = 1, 10 do t[i] = i % 2 == 0 and i or tostring(i) end
  clear(t, 5); clear(t, 9); clear(t, 10)
  assert(t[5] == nil and t[9] == nil and t[10] == nil and t[8] == 8 and t[4] == 4)
  clear(t, 8); clear(t, 5); clear(t, 7); clear(t, 6)
  assert(t[4] == 4 and #t == 4, #t)
  for i = 4, 1, -1 do clear(t, i) end
  assert(#t == 0 and next(t) == nil)
end
local packed = {1, 2, 3, 4, 5, 6, 7, 8}
for i = 3, 1, -1 do clear(packed, i) end
local keys = {}
for k in pairs(packed) do keys[#keys + 1] = k end
print(table.concat(keys, " "))
-- __newindex is asked for what is not there
local log = {}
local m = setmetatable({1, 2, 3}, {__newindex = function(t, k, v) log[#log + 1] = k end})
for _ = 1, 3 do for i = 5, 1, -1 do clear(m, i) end end
print(table.concat(log, " "), rawlen(m))
print(pcall(clear, nil, 1), pcall(clear, {}, nil), pcall(clear, {}, 0 / 0))
