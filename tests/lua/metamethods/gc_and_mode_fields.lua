-- __gc set late is not seen; __mode; __close on tables; __pairs results; __idiv order.
local order = {}
do
  local a = setmetatable({}, {})
  getmetatable(a).__gc = function() order[#order + 1] = "late" end
  local mt = { __gc = true }
  local b = setmetatable({}, mt)
  mt.__gc = function() order[#order + 1] = "placeholder" end
end
collectgarbage() collectgarbage()
print(table.concat(order, ","))
local p = setmetatable({}, { __pairs = function(t) return 1, 2, 3, 4 end })
print(pairs(p))
print(pcall(pairs, setmetatable({}, { __pairs = function() error("pairs", 0) end })))
print(select("#", pairs(setmetatable({}, { __pairs = function() end }))))
local keys = {}
for k in pairs(setmetatable({ 1, 2 }, { __index = { 3, 4, 5 } })) do keys[#keys + 1] = k end
print(table.concat(keys, " "))
local n = {}
for i, v in ipairs(setmetatable({ 1, 2 }, { __index = { 3, 4, 5 } })) do n[#n + 1] = v end
print(table.concat(n, " "))
print(table.unpack(setmetatable({}, { __index = function(_, i) return i * i end, __len = function() return 4 end })))
print(table.concat(setmetatable({}, { __index = function(_, i) return "c" .. i end, __len = function() return 3 end }), ","))
print(pcall(function() return #setmetatable({}, { __len = function() return "x" end }) end))
print(pcall(table.unpack, setmetatable({}, { __len = function() return "x" end })))
print(pcall(table.insert, setmetatable({}, { __len = function() return 1.5 end }), 1))
local t = setmetatable({}, { __len = function() return 2 end, __newindex = function(t, k, v) rawset(t, k, "n" .. v) end })
table.insert(t, "x")
print(t[3])
