-- Tables that come to have few elements, and then, made at the same place, many, or holes, or other keys.
local function node() return { id = 1, succ = {}, pred = {} } end
local function list() return {} end
local function add(t, v) t[#t + 1] = v end
local total = 0
for i = 1, 60 do
  local a, b = node(), list()
  for k = 1, i % 4 do add(a.succ, k) add(b, a) end
  add(a.pred, i) add(a.pred, "s") add(a.pred, 1.5)
  total = total + #a.succ + #a.pred + #b
end
print(total)
local l = list()
for i = 1, 1000 do add(l, i) end
for i = 1, 990 do l[#l] = nil end
print(#l, l[10], l[11], next(l))
l = list() l.x, l.y, l.z, l.w, l.v = 1, 2, 3, 4, 5 add(l, true) add(l, false)
print(#l, l.x + l.v, l[1], l[2])
local keys = {}
for k, v in pairs(l) do keys[#keys + 1] = tostring(k) .. "=" .. tostring(v) end
table.sort(keys) print(table.concat(keys, " "))
l = list() for i = 1, 3 do add(l, i) end l[2] = nil l[3] = nil print(#l, l[1], l[2])
l = list() for i = 8, 1, -1 do l[i] = i end print(#l, l[8], l[9])
l = list() l[0], l[-1], l[2^53] = "zero", "less", "much" print(#l, l[0], l[-1], l[2^53])
l = list() add(l, 1) l[1] = nil add(l, "again") add(l, nil) print(#l, l[1])
local many = {}
for i = 1, 200 do many[i] = node() for k = 1, i % 3 do add(many[i].succ, many[i - 1] or 0) end end
collectgarbage()
for i = 1, 200 do assert(#many[i].succ == i % 3 and many[i].id == 1 and #many[i].pred == 0) end
local weak = setmetatable(list(), { __mode = "v" })
for i = 1, 3 do add(weak, {}) end
collectgarbage() print(weak[1], weak[2], weak[3])
local packed = list() for i = 1, 4 do add(packed, i) end
print(table.concat(packed, ","), table.unpack(packed)) table.insert(packed, 1, "first") print(table.concat(packed, ","), table.remove(packed))
