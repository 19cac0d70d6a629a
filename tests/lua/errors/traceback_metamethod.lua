local mt = { __add = function(a, b) return a.value + b end, __index = function(t, k) error("no field " .. k) end }
local o = setmetatable({}, mt)
local r = o + 1
