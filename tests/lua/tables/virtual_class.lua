-- Objects whose class is a metatable shared by many: methods are found through it, objects are not made.
local V = {}
V.__index = V
function V.new(x, y) return setmetatable({x = x, y = y}, V) end
function V:dot(o) return self.x * o.x + self.y * o.y end
function V:sub(o) return V.new(self.x - o.x, self.y - o.y) end
function V:scale(k) self.x, self.y = self.x * k, self.y * k return self end
function V:len2() return self:dot(self) end

local function methods(n)
  local s = 0
  for i = 1, n do
    local a, b = V.new(i, 1), V.new(2, i)
    s = s + a:sub(b):scale(2):len2()
  end
  return s
end
print(methods(400))

-- Methods are exchanged while they are used.
local first = V.dot
function V:dot(o) return 1 + first(self, o) end
print(methods(400))
V.dot = first
print(methods(400))
V.len2 = function(self) return self.x end
print(methods(400))
V.len2 = nil
print(pcall(methods, 3))
V.len2 = function(self) return self:dot(self) end
print(methods(400))

-- Another class behind the class, and one put behind it.
local B = setmetatable({}, {__index = V})
B.__index = B
function B.new(x, y) return setmetatable({x = x, y = y, name = "b"}, B) end
local function inherited(n)
  local s = 0
  for i = 1, n do
    local b = B.new(i, 2)
    s = s + b:len2() + b:dot(b)
  end
  return s
end
print(inherited(300))
function B:len2() return -1 end
print(inherited(300))
getmetatable(B).__index = {dot = function() return 5 end}
print(inherited(300))
setmetatable(B, nil)
print(pcall(inherited, 3))
setmetatable(B, {__index = V})
print(inherited(300))

-- The class's __index is another table, a function, nothing.
local C = {__index = V}
local function other(n)
  local s = 0
  for i = 1, n do
    local c = setmetatable({x = i, y = 1}, C)
    s = s + c:len2()
  end
  return s
end
print(other(300))
C.__index = function(t, k) return function(self) return #k + self.x end end
print(other(300))
C.__index = nil
print(pcall(other, 3))
C.__index = V
print(other(300))

-- A finalizer, or fields that are asked for, begin in between.
local seen = 0
C.__gc = function() seen = seen + 1 end
print(other(10))
collectgarbage() collectgarbage()
print(seen)
C.__gc = nil
print(other(300))
local D = {}
D.__index = D
function D:put(k) self.value = k return self.value end
local function put(n)
  local s = 0
  for i = 1, n do s = s + setmetatable({name = i}, D):put(i) end
  return s
end
print(put(300))
D.__newindex = function(t, k, v) rawset(t, k, v * 2) end
print(put(300))
D.__newindex = nil
print(put(300))

-- The object itself is wanted now and then: errors, hooks, locals of frames around.
local function caught(n)
  local s = 0
  for i = 1, n do
    local v = V.new(i, i % 7)
    if i % 50 == 0 then
      local ok, e = pcall(error, v)
      s = s + e:len2()
    end
    s = s + v:len2()
  end
  return s
end
print(caught(300))
function V:where(deep)
  if deep then
    local k, v = debug.getlocal(2, 2)
    return k, v == self, getmetatable(v) == V, debug.traceback("here", 1):gsub("\n.*", "")
  end
  return self.x
end
local function looked(n)
  local last
  for i = 1, n do
    local v = V.new(i, 0)
    last = {v:where(i == n)}
  end
  return table.unpack(last)
end
looked(100)
print(looked(3))
function V:fail(i) return self.x + (i > 90 and self.none.of or 1) end
local function fails(n)
  local s = 0
  for i = 1, n do s = s + V.new(i, 0):fail(i) end
  return s
end
print(fails(50))
print(select(2, xpcall(fails, debug.traceback, 100)))
local lines = 0
debug.sethook(function() lines = lines + 1 end, "l")
local total = methods(5)
debug.sethook()
print(total, lines)
