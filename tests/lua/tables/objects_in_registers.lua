-- Tables that nobody but one function has: their fields are values, and the table is made where somebody else gets it.

local function new(x, y) return { x = x, y = y } end
local function add(a, b) return { x = a.x + b.x, y = a.y + b.y } end
local function scale(a, k) return { x = a.x * k, y = a.y * k } end
local function dot(a, b) return a.x * b.x + a.y * b.y end

-- Carried by a loop; returned behind it.
local function carried(n)
  local p, s = { x = 1.0, y = 2.0 }, 0
  for i = 1, n do
    local v = { x = i * 0.5, y = i * 0.25 }
    p = add(scale(p, 0.5), v)
    s = s + dot(p, v)
  end
  return s, p
end
local s, p = carried(100)
print(s, p.x, p.y)

-- Changed by a loop; fields that are there from the beginning and later ones.
local function changed(n)
  local acc = { sum = 0, count = 0 }
  for i = 1, n do
    acc.sum = acc.sum + i
    if i % 3 == 0 then acc.count = acc.count + 1 end
    if i % 7 == 0 then acc.last = i end
  end
  return acc.sum, acc.count, acc.last, acc.none
end
print(changed(50), changed(5))

-- Two names of one table.
local function aliases(n)
  local total = 0
  for i = 1, n do
    local a = new(i, 2)
    local b = a
    local c = i % 2 == 0 and a or b
    b.x = b.x + 1
    c.y = 10
    total = total + a.x * a.y + (a == b and 1 or 0) + (a == c and 100 or 0)
  end
  return total
end
print(aliases(20))

-- Needed by somebody else now and then only: one table, with all names.
local kept = {}
local function seldom(n)
  local total = 0
  for i = 1, n do
    local a = new(i, i + 1)
    local same = a
    if i % 10 == 0 then
      kept[#kept + 1] = a
      kept[#kept + 1] = same
    end
    same.x = same.x + 0.5
    total = total + a.x + a.y
  end
  return total
end
print(seldom(45), #kept)
for i = 1, #kept, 2 do io.write(kept[i].x, " ", kept[i].y, " ", tostring(kept[i] == kept[i + 1]), "; ") end
print()

-- Parts of parts.
local function nested(n)
  local sum = 0
  for i = 1, n do
    local box = { low = new(i, -i), high = new(i + 10, i + 20), tag = "box" }
    box.low.x = box.low.x - 1
    local mid = new((box.low.x + box.high.x) / 2, (box.low.y + box.high.y) / 2)
    if i == n then return box, mid end
    box.high, box.low = box.low, box.high
    sum = sum + mid.x + box.high.y + #box.tag
  end
  return sum
end
local box, mid = nested(12)
print(box.low.x, box.low.y, box.high.x, box.high.y, box.tag, mid.x, mid.y)

-- Lists.
local function lists(n)
  local s = 0
  for i = 1, n do
    local t = { i, i * 2, i * 3 }
    t[2] = t[2] + 0.5
    s = s + t[1] + t[2] + t[3] + #t + (t[4] and 1 or 0)
  end
  return s
end
print(lists(30))

-- Built one from another: each part of the next.
local function chain(n)
  local t = {}
  local p = t
  for i = 1, n do p.n = { v = i } p = p.n end
  local d, sum = 0, 0
  while t.n do t = t.n d = d + 1 sum = sum + t.v end
  return d, sum
end
print(chain(50))

-- Several results packed and unpacked.
local function divmod(a, b) return { a // b, a % b } end
local function packed(n)
  local s = 0
  for i = 1, n do
    local r = divmod(i, 7)
    s = s + r[1] * 10 + r[2]
  end
  return s
end
print(packed(40))

-- One object or another.
local function either(n)
  local s = 0
  for i = 1, n do
    local q
    if i % 2 == 0 then q = new(i, 1) else q = new(0.5, i) end
    local r = q
    q.x = q.x + 1
    s = s + r.x * q.y
  end
  return s
end
print(either(20))

local function choose(i) if i % 3 == 0 then return new(i, i) end return new(-i, 1.5) end
local function chosen(n)
  local s = 0
  for i = 1, n do
    local q = choose(i)
    s = s + q.x + q.y
  end
  return s
end
print(chosen(20))

-- Kinds that change on the way.
local function kinds(n)
  local t = { v = 1, w = "a" }
  for i = 1, n do
    if i == n // 2 then t.v = t.v + 0.5 end
    if i == n - 1 then t.v = "text"; t.w = nil end
    if i < n - 1 then t.v = t.v + 1 end
  end
  return t.v, t.w
end
print(kinds(20), kinds(21))

-- Errors in the middle: the handler sees the table.
local function fails(n)
  local point = new(n, n * 2)
  point.x = point.x + 1
  local t
  if n <= 20 then t = point end
  return t.x + point.y
end
for i = 18, 22 do print(pcall(fails, i)) end
print(xpcall(fails, function(m)
  local name, v = debug.getlocal(2, 2)
  return m:gsub("^.*: ", "") .. " " .. name .. " " .. v.x .. " " .. v.y
end, 30))

-- A metamethod that looks at the frames below: what it gets is the table.
local seen = {}
local look = setmetatable({}, { __index = function(_, k)
  for level = 2, 4 do
    local n = 1
    while true do
      local ok, name, v = pcall(debug.getlocal, level, n)
      if not ok or not name then break end
      if name == "mine" then
        seen[#seen + 1] = v
        v.x = v.x + 1000
      end
      n = n + 1
    end
  end
  return k
end })
local function looked(n)
  local s = 0
  for i = 1, n do
    local mine = { x = i, y = 1 }
    local k = look[i]
    s = s + mine.x + k
    if i % 5 == 0 then s = s + (seen[#seen] == mine and 1 or 0) end
  end
  return s
end
print(looked(20), #seen)

-- Hooks see it, too.
local lines = 0
local function hooked(n)
  local s = 0
  for i = 1, n do
    local here = { a = i, b = "h" }
    if i == n // 2 then
      debug.sethook(function()
        local k = 1
        while true do
          local name, v = debug.getlocal(2, k)
          if not name then break end
          if name == "here" and v then lines = lines + v.a; v.a = v.a + 1 end
          k = k + 1
        end
      end, "l")
    end
    s = s + here.a
    s = s + #here.b
    if i == n // 2 + 2 then debug.sethook() end
    s = s + here.a
  end
  return s
end
print(hooked(20), lines)

-- Across yields, and with a collector that is busy.
local function yields(n)
  local q = new(0, "q")
  for i = 1, n do
    q.x = q.x + i
    if i % 4 == 0 then coroutine.yield(q.x, q.y .. i) end
  end
  return q.x, q.y
end
local co = coroutine.wrap(yields)
print(co(9), co(), co())
local function garbage(n)
  local s, text = 0, ""
  for i = 1, n do
    local o = { name = "n" .. i, part = { i } }
    text = #text > 50 and "" or text .. "x" .. i
    if i % 100 == 0 then collectgarbage("step") end
    s = s + #o.name + o.part[1] + #text
  end
  return s
end
print(garbage(1000))
