-- Functions whose code is part of their callers', reached by tail calls: who looks sees what the reference shows.

local function info() 
  local t = {}
  for l = 1, 6 do local i = debug.getinfo(l, "Slt") if not i then break end t[#t+1] = i.currentline .. (i.istailcall and "T" or "") end
  return table.concat(t, " ")
end
local function c(x, y) if x == 90 then return info() end if x == 95 then error("in c") end return x + y end
local function b(x) local y = x * 2 return c(x, y) end
local function a(x) return b(x) end
local function run(n, f)
  local s, i = 0, ""
  for k = 1, n do
    local r = a(k)
    if type(r) == "string" then i = r else s = s + r end
  end
  return s, i
end
print(run(80)) print(run(92)) print(pcall(run, 99))
print((select(2, xpcall(run, debug.traceback, 99)):gsub("%[C%].*", "")))
local hooked = 0
local function vec(x) return { x = x } end
local function vec2(x, k) local z = k return vec(x + z) end
local function hook(n)
  local s = 0
  for k = 1, n do
    if k == n // 2 then debug.sethook(function(e, l) hooked = hooked + 1 end, "crl") end
    local v = vec2(k, 1)
    if k == n // 2 + 3 then debug.sethook() end
    s = s + v.x
  end
  return s
end
print(hook(40), hooked)
