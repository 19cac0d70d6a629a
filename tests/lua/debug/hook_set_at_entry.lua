-- A vararg function entered while work is pending (a hook was set and removed just before) gets its arguments, also when a hook is set inside.
local function closing(f) return setmetatable({}, { __close = f }) end
local function foo(...)
  local y <close> = closing(function() debug.sethook(function() end, "r") end)
  return ...
end
debug.sethook(function() end, "l")
debug.sethook()
print(foo(10, 20, 30))
debug.sethook(function() end, "l")
debug.sethook()
print((select("#", foo())))
debug.sethook()

-- A finalizer that sets a hook runs at the entry of a function.
local function bar(...)
  return select("#", ...), ...
end
local calls, set = 0, false
for _ = 1, 3 do
  set = false
  setmetatable({}, { __gc = function()
    set = true
    debug.sethook(function() calls = calls + 1 end, "c")
  end })
  while not set do
    local t = { bar(1, 2, 3) }
    assert(#t == 4 and t[1] == 3 and t[4] == 3)
    t = {}
  end
  debug.sethook()
end
print(calls > 0)
