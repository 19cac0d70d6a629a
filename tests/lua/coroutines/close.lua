-- coroutine.close: pending closes, errors in them, states.
local function closable(name, fail)
  return setmetatable({}, { __close = function(_, e) print("close", name, e) if fail then error(fail, 0) end end })
end
local co = coroutine.create(function()
  local a <close> = closable "a"
  local b <close> = closable "b"
  coroutine.yield(1)
end)
coroutine.resume(co)
print(coroutine.close(co), coroutine.status(co))
print(coroutine.close(co))
print(coroutine.close(coroutine.create(print)))
local c2 = coroutine.create(function()
  local a <close> = closable "a"
  local b <close> = closable("b", "b failed")
  coroutine.yield()
end)
coroutine.resume(c2)
print(coroutine.close(c2))
print(coroutine.status(c2), coroutine.close(c2))
local c3 = coroutine.create(function() error("dead with error", 0) end)
coroutine.resume(c3)
print(coroutine.close(c3))
print(coroutine.close(c3))
print(pcall(coroutine.close, coroutine.running()))
coroutine.wrap(function() local main = coroutine.running() print(coroutine.wrap(function() return pcall(coroutine.close, main) end)()) end)()
-- A wrapped coroutine that dies closes its variables.
local w = coroutine.wrap(function()
  local a <close> = closable "wrapped"
  coroutine.yield()
  error("w", 0)
end)
w()
print(pcall(w))
-- Abandoned inside a for with a closing value.
local iter = coroutine.wrap(function()
  for k in function() return 1 end, nil, nil, closable "forvalue" do coroutine.yield(k) end
end)
iter()
local c4 = coroutine.create(function() return pcall(function() local x <close> = closable "in pcall" coroutine.yield() end) end)
coroutine.resume(c4)
print(coroutine.close(c4))
print(coroutine.close(coroutine.create(function() end)), pcall(coroutine.close), pcall(coroutine.close, 1))
