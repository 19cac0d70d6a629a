-- An error that a protected call catches in a coroutine ends the count of nested native calls; outside one it goes back to the call's own.
local function depth() local d = 0 local function f() d = d + 1 return (("a"):gsub(".", f)) end pcall(f) return d end
local function nest(n, f) if n == 0 then return f() end return select(2, pcall(nest, n - 1, f)) end
local function failing() return nest(30, function() return depth(), pcall(error, "e"), depth() end) end
local function at(n) return nest(n, function() local a = depth() pcall(error) return a .. " " .. depth() end) end
for n = 0, 60, 20 do print("main", n, at(n)) end
print(coroutine.wrap(function() local t = {} for n = 0, 60, 20 do t[#t + 1] = at(n) .. "|" .. depth() end return table.unpack(t) end)())
-- In a callback that cannot yield it is as outside.
print(coroutine.wrap(function() local t = {} table.sort({ 1, 2 }, function(a, b) for n = 0, 60, 20 do t[#t + 1] = at(n) end return a < b end) return depth(), table.unpack(t) end)())
print(coroutine.wrap(function() return xpcall(nest, function(m) return m, depth() end, 20, function() local ok, m = xpcall(error, function(m) return depth() end, 1) return m .. " " .. depth() end) end)())
local function f4(n)
  local function f6() local v = -setmetatable({}, { __unm = function(a) return 1 end, n and f4(n + 1) }) end
  local ok, m = pcall(f6)
  if not ok then print(n, m) end
end
coroutine.wrap(f4)(1)
f4(1)
