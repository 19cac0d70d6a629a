-- What the text says of arguments, results and captured variables, and `debug` changes.
local function add(x, y) return x + y end
local function calls(n) local s = 0 for i = 1, n do s = s + add(i, 1) end return s end
print(calls(10))
-- An argument when the function begins.
local function with_hook(what, f, ...)
  debug.sethook(function()
    local info = debug.getinfo(2, 'f')
    if info.func == what then debug.setlocal(2, 1, 0.5) end
  end, 'c')
  local r = table.pack(pcall(f, ...))
  debug.sethook()
  return table.unpack(r, 1, r.n)
end
print(with_hook(calls, calls, 3))
local name, value = debug.getupvalue(calls, 1)
print(name, with_hook(value, calls, 3))
debug.sethook(function() local i = debug.getinfo(2, 'f') if i.func == value then debug.setlocal(2, 2, 'x') end end, 'c')
print(pcall(calls, 3))
debug.sethook()
-- A local in the middle.
local function body(n)
  local k = n + 1
  local function set(v) debug.setlocal(2, 2, v) end
  set(n)
  set(2.5)
  local r = k + 1
  return r, k
end
print(body(1), body(2))
-- Results are what a changed function gives.
local function one() return 1 end
local function user() return one() + 1 end
print(user(), user())
for k = 1, 5 do
  local up = debug.getupvalue(user, k)
  if up == 'one' then
    debug.setupvalue(user, k, function() return 1.5 end)
    print(user())
    debug.setupvalue(user, k, function() return 'a' end)
    print(pcall(user))
    debug.setupvalue(user, k, 5)
    print(pcall(user))
    debug.setupvalue(user, k, setmetatable({}, { __call = function() return 7 end }))
    print(user())
  end
end
-- Captured variables.
local count, label = 0, 'x'
local function bump() count = count + 1 return count, label end
print(bump())
debug.setupvalue(bump, 1, 1.5)
print(bump())
debug.setupvalue(bump, 1, '3')
print(bump())
local other = {}
local function holder() return other end
debug.upvaluejoin(bump, 2, holder, 1)
print(type(select(2, bump())))
debug.upvaluejoin(bump, 1, holder, 1)
print(pcall(bump) == false)
-- A recursive function that is another one from some call on.
local function down(n) if n == 0 then return 0 end return 1 + down(n - 1) end
print(down(5))
for k = 1, 2 do
  if debug.getupvalue(down, k) == 'down' then debug.setupvalue(down, k, function(n) return n / 4 end) end
end
print(down(5))
-- A closure found on the stack, called with anything.
local found
local function leaf(x) found = found or debug.getinfo(1, 'f').func return x + x end
print(leaf(2), leaf(3))
print(found(1.5), found('4'), pcall(found), (pcall(found, {})))
local co = coroutine.create(function() local function deep(n) if n == 0 then coroutine.yield(n) return n end return deep(n - 1) + n end return deep(4) end)
coroutine.resume(co)
debug.setlocal(co, 3, 1, 0.25)
print(coroutine.resume(co))
