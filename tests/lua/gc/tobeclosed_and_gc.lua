-- __close and __gc on the same objects; closing in coroutines that are collected does not run __close.
local log = {}
local mt = { __close = function(o) log[#log + 1] = "close " .. o.n end, __gc = function(o) log[#log + 1] = "gc " .. o.n end }
do local x <close> = setmetatable({ n = "x" }, mt) end
collectgarbage() collectgarbage()
print(table.concat(log, ", "))
log = {}
do
  local co = coroutine.wrap(function() local y <close> = setmetatable({ n = "y" }, mt) coroutine.yield() end)
  co()
end
collectgarbage() collectgarbage()
print(table.concat(log, ", "))
local co = coroutine.create(function() local z <close> = setmetatable({ n = "z" }, mt) coroutine.yield() end)
coroutine.resume(co)
log = {}
coroutine.close(co)
print(table.concat(log, ", "))
