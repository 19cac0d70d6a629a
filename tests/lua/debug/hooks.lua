-- Call, return, line and count hooks.
-- One value for a protected call, so that several fit in one print.
local function try(f, ...)
  local ok, value = pcall(f, ...)
  return ok and tostring(value) or "!" .. tostring(value)
end
local log = {}
local function line_hook(event, line) log[#log + 1] = event .. " " .. tostring(line) end
local function work(n)
  local s = 0
  for i = 1, n do
    s = s + i
  end
  return s
end
debug.sethook(line_hook, "l")
work(2)
debug.sethook()
print(table.concat(log, ", "))
log = {}
debug.sethook(function(event) local i = debug.getinfo(2, "nS") log[#log + 1] = event .. ":" .. tostring(i.name) .. ":" .. i.what end, "cr")
work(1) math.abs(-1)
debug.sethook()
print(table.concat(log, ", "))
log = {}
local function t1() return work(0) end
debug.sethook(function(event) log[#log + 1] = event end, "cr")
t1()
debug.sethook()
print(table.concat(log, ", "))
local count = 0
debug.sethook(function(event) count = count + 1 end, "", 100)
for i = 1, 10000 do local x = i * 2 end
debug.sethook()
print(count > 50)
print(pcall(function()
  debug.sethook(function() error("too long", 0) end, "", 1000)
  while true do end
end))
debug.sethook()
local h = function() end
debug.sethook(h, "crl", 5)
local fn, mask, n = debug.gethook()
debug.sethook()
print(fn == h, mask, n, debug.gethook())
log = {}
local co = coroutine.create(function() local a = 1
  coroutine.yield()
  local b = 2
end)
debug.sethook(co, function(e, l) log[#log + 1] = l end, "l")
coroutine.resume(co) coroutine.resume(co)
print(table.concat(log, " "))
-- A hook can change locals and read them.
local function target()
  local v = 1
  v = v + 1
  return v
end
debug.sethook(function(_, l)
  local i = debug.getinfo(2, "f")
  if i.func == target then
    local name, value = debug.getlocal(2, 1)
    if name == "v" and value == 1 then debug.setlocal(2, 1, 40) end
  end
end, "l")
print(target())
debug.sethook()
print(try(debug.sethook, 1), try(debug.gethook))
