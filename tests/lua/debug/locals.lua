-- getlocal and setlocal by level, of functions, varargs, temporaries, in coroutines.
local function show(level)
  local i = 1
  while true do
    local n, v = debug.getlocal(level + 1, i)
    if not n then break end
    if n:sub(1, 1) ~= "(" then io.write(n, "=", tostring(v), " ") end
    i = i + 1
  end
  i = -1
  while true do
    local n, v = debug.getlocal(level + 1, i)
    if not n then break end
    io.write(n, "=", tostring(v), " ")
    i = i - 1
  end
  print()
end
local function f(a, b, ...)
  local c = a + b
  show(1)
  do local inner = "scoped" show(1) end
  for i = 1, 1 do local body = i show(1) end
  for k, v in pairs { key = "value" } do show(1) end
  local d <const>, e <close> = 5, nil
  show(1)
  debug.setlocal(1, 1, "changed a")
  print(debug.setlocal(1, -1, "changed vararg"), debug.setlocal(1, -9, 0), debug.setlocal(1, 100, 0))
  show(1)
  return a, c, ...
end
print(f(1, 2, "v1", "v2"))
print(debug.getlocal(f, 1), debug.getlocal(f, 2), debug.getlocal(f, 3), debug.getlocal(print, 1))
print(pcall(debug.getlocal, 50, 1))
print(pcall(debug.setlocal, 50, 1, 1))
print(pcall(debug.getlocal, "x", 1))
local co = coroutine.create(function(x) local y = x * 2 coroutine.yield(y) return y end)
coroutine.resume(co, 21)
print(debug.getlocal(co, 1, 1)) print(debug.getlocal(co, 1, 2)) print(debug.getlocal(co, 1, 3))
print(debug.setlocal(co, 1, 2, "set from outside"))
print(coroutine.resume(co))
local function loop() local s = 0 for i = 1, 5 do if i == 3 then debug.setlocal(1, 1, 100) end s = s + i end return s end
print(loop())
local function many() local a1, a2, a3 = 1, 2.5, "s" local n = 0 while debug.getlocal(1, n + 1) do n = n + 1 end return n >= 4, debug.getlocal(1, 2) end
print(many())
