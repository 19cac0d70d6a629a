-- Tables that come to have many elements, about as many each time, and then, made at the same place, others.
local function block(n, last)
  local w = {}
  for i = 1, n do w[i] = i * 3 end
  for i = n + 1, last do w[i] = (w[i - 1] + w[i - n]) % 1000003 end
  return w
end
local function list() local t = {} return t end
local function fill(t, n, v) for i = 1, n do t[#t + 1] = v or i end return t end
local total = 0
for i = 1, 60 do
  local w, l = block(16, 40 + i % 9), fill(list(), 20)
  total = total + w[#w] + #w + #l + l[20]
end
print(total)
-- Fewer, none, more, holes, other kinds and keys.
print(#block(3, 0), #block(2, 5), #block(16, 600), block(16, 600)[600])
local l = list() print(#l, next(l), l[1], l[20])
l = list() l[1] = "one" l[3] = "three" print(l[1], l[2], l[3], l[4])
l = fill(list(), 20) for i = 20, 2, -1 do l[i] = nil end print(#l, next(l)) print(next(l, 1))
l = list() for i = 30, 1, -1 do l[i] = i end print(#l, l[30], l[31])
l = fill(list(), 10, 1.5) l[#l + 1] = "s" l[#l + 1] = true l.x = 1 print(#l, l[10], l[11], l[12], l.x)
local n = 0 for k, v in pairs(l) do n = n + 1 end print(n)
l = list() l[0], l[-1], l[21], l[2^53] = "zero", "less", "behind", "much" print(#l, l[0], l[-1], l[21], l[2^53])
l = fill(list(), 20) table.insert(l, 1, 0) table.insert(l, "end") print(#l, l[1], l[22], table.remove(l), #l)
local weak = setmetatable(list(), { __mode = "v", __index = function(_, k) return -k end, __len = function() return 7 end })
for i = 1, 20 do weak[i] = {} end
collectgarbage() print(#weak, weak[1], weak[20], weak[21], rawlen(weak) <= 20)
-- A tree: the children of one node are made before it has its own.
local function tree(depth)
  local t = {}
  for i = 1, depth > 0 and 3 or 0 do t[i] = tree(depth - 1) end
  return t
end
local function count(t) local n = 1 for _, c in ipairs(t) do n = n + count(c) end return n end
print(count(tree(5)), #tree(1)[2])
collectgarbage()
local kept = {}
for i = 1, 100 do kept[i] = block(16, 45) end
collectgarbage()
for i = 1, 100 do assert(#kept[i] == 45 and kept[i][45] == kept[1][45]) end
