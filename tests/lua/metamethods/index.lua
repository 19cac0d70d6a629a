-- __index and __newindex: functions, tables, chains, raw access, loops.
local log = {}
local base = { inherited = "base value" }
local mid = setmetatable({}, { __index = base })
local obj = setmetatable({ own = 1 }, { __index = mid })
print(obj.own, obj.inherited, obj.none)
local f = setmetatable({}, { __index = function(t, k) return k .. "!", "dropped" end })
print(f.x, f[1], f["a b"], rawget(f, "x"))
local store = {}
local n = setmetatable({ present = 1 }, { __newindex = store })
n.present, n.new = 2, 3
print(rawget(n, "present"), rawget(n, "new"), store.new)
local w = setmetatable({}, { __newindex = function(t, k, v) rawset(t, k, v * 2) end })
w.a = 5 w.a = 6 w[1] = 10
print(w.a, w[1])
local proxy = setmetatable({}, { __index = function(_, k) log[#log + 1] = "get " .. tostring(k) return store[k] end,
  __newindex = function(_, k, v) log[#log + 1] = "set " .. tostring(k) store[k] = v end })
proxy.x = 1; proxy.x = proxy.x + 1; proxy[1.0] = "one"; proxy[true] = false
print(store.x, store[1], store[true], table.concat(log, ","))
print(#setmetatable({}, { __len = function() return 42 end }), rawlen(setmetatable({ 1, 2 }, { __len = function() return 42 end })))
print(("abc").len == string.len, ("abc").nope, ("x").rep == string.rep)
local loop = {}
setmetatable(loop, { __index = loop })
print(pcall(function() return loop.x end))
local a, b = {}, {}
setmetatable(a, { __index = b }) setmetatable(b, { __index = a })
print(pcall(function() return a.x end))
setmetatable(a, { __newindex = b }) setmetatable(b, { __newindex = a })
print(pcall(function() a.x = 1 end))
print(pcall(function() return setmetatable({}, { __index = 5 }).x end))
print(pcall(function() setmetatable({}, { __newindex = 5 }).x = 1 end))
print(setmetatable({}, { __index = "string" }).upper == string.upper)
local deep = {}
for i = 1, 100 do deep = setmetatable({}, { __index = deep }) end
print(deep.x)
-- A field set to nil falls back to __index again.
local d = setmetatable({ k = 1 }, { __index = { k = "default" } })
d.k = nil
print(d.k)
d.k = false
print(d.k)
-- Changing the metatable and its fields later.
local meta = {}
local late = setmetatable({}, meta)
print(late.x)
meta.__index = function() return "now" end
print(late.x)
meta.__index = nil
print(late.x)
setmetatable(late, nil)
print(getmetatable(late), late.x)
