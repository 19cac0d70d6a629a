-- Hooks set in the middle of a function: no line event for the line that is running, the return of the function is seen, and
-- open results of the call that set the hook stay as many as they were.
local function lines(events, n)
  debug.sethook(function(_, line) events[#events + 1] = line end, "l"); local x = n + 1
  local y = x
  debug.sethook()
  return y
end
local events = {}
lines(events, 1)
print(#events, table.unpack(events))

local function closing(f) return setmetatable({}, { __close = f }) end
local trace = {}
local function foo(...)
  local x <close> = closing(function() trace[#trace + 1] = "x" end)
  local y <close> = closing(function()
    debug.sethook(function(event) trace[#trace + 1] = event .. " " .. tostring(debug.getinfo(2, "n").name) end, "r")
  end)
  return ...
end
print(foo(10, 20, 30))
debug.sethook()
print(table.concat(trace, ", "))

-- Without extra arguments, a fixed number of results, and the hook removed again before the return.
for _, remove in ipairs { false, true } do
  trace = {}
  local function bar(a, b)
    local x <close> = closing(function()
      debug.sethook(function(event) trace[#trace + 1] = event end, "r")
      if remove then debug.sethook() end
    end)
    return b, a
  end
  local r1, r2, r3 = bar(1, 2)
  debug.sethook()
  print(r1, r2, r3, #trace, trace[#trace])
end

local function open() debug.sethook(function() end, "c"); return 1, 2, 3 end
print(open())
print((select("#", open())))
debug.sethook()
local t = { open() }
debug.sethook()
print(#t)
local function tail(...) return select("#", ...) end
local function through() return tail(open()) end
print(through())
debug.sethook()
