-- _ENV as local, parameter and upvalue; globals through it.
x = 1
print(_ENV == _G, _ENV.x, _G.x)
do
  local _ENV = { print = print }
  x = 2
  print(x, _ENV.x)
end
print(x)
local function sandbox(_ENV) y = 5 return y, z end
local env = { z = "zed" }
print(sandbox(env), env.y, y)
local function f() local _ENV <const> = { a = 1 } return a end
print(f())
print(pcall(function() local _ENV = nil; return undefined end))
print(pcall(function() local _ENV = 5; undefined = 1 end))
setmetatable(_G, { __index = function(_, k) return "auto " .. k end, __newindex = function(t, k, v) rawset(t, k, v and v .. "!") end })
print(undefined)
fresh = "new"
print(fresh)
setmetatable(_G, nil)
print(undefined)
local _ENV = setmetatable({}, { __index = _ENV })
print(_G._ENV, type(print))
w = 3
print(w, _G.w)
