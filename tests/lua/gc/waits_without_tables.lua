-- Programs that wait for the collector by making tables that nobody needs.
local function fill(weak) weak[1] = {} end
local function gone(weak) return weak[1] == nil end
local function wait_full()
  local collected, rounds = false, 0
  setmetatable({}, { __gc = function() collected = true end })
  repeat local t = { 1 } rounds = rounds + t[1] until collected
  return rounds > 0
end
print(wait_full(), wait_full())
local function wait_fields()
  local weak = setmetatable({}, { __mode = "v" })
  fill(weak)
  local sum = 0
  while not gone(weak) do local t = { x = 1, y = 2 } sum = sum + t.x + t.y end
  return sum > 0
end
print(wait_fields(), wait_fields())
local function wait_nested()
  local weak = setmetatable({}, { __mode = "v" })
  fill(weak)
  local sum = 0
  while weak[1] do for k = 1, 3 do local t = { x = k } sum = sum + t.x end end
  return sum > 0
end
print(wait_nested(), wait_nested())
-- Loops that end by themselves.
local function counts(n)
  local i, s = 0, 0
  while i < n do local t = { x = i, y = 2 } s = s + t.x * t.y i = i + 1 end
  repeat local t = { n } n = t[1] - 1 until n < 0
  return s
end
print(counts(10), counts(100))
local list for k = 1, 20 do list = { next = list, k = k } end
local function walks(l)
  local s = 0
  while l do local t = { l.k, 1 } s = s + t[1] + t[2] l = l.next end
  return s
end
print(walks(list), walks(list.next))
