-- Shared by all generated programs: printing without addresses, fuel, objects with every metamethod, values of every kind.
-- A native function that is called from C is named after the first place in `package.loaded` where it is found, in the reference's random
-- order: so it is not to be found among the globals too.
package.loaded._G = nil
local FUEL
local function burn() FUEL = FUEL - 1; if FUEL < 0 then error("out of fuel", 0) end return true end
-- Addresses; and the line in messages about integer division by zero, where the reference names the last line at which it had saved
-- its position (COMPATIBILITY.md); and the sign of NaN, which depends on the order of a machine instruction's operands.
local function clean(s)
  s = tostring(s):gsub("0x%x%x%x%x%x%x+", "PTR")
  s = s:gsub("%-nan", "nan")
  s = s:gsub(":%d+: attempt to divide by zero", ":?: attempt to divide by zero")
  return (s:gsub(":%d+: attempt to perform 'n%%", ":?: attempt to perform 'n%%%%"))
end
local function S(v, deep, level)
  local t = type(v)
  if t == "number" then
    if v ~= v then return "nan" end
    return math.type(v) == "integer" and tostring(v) or "f" .. tostring(v)
  elseif t == "string" then
    v = clean(v)
    if #v > 200 then return ("%q..%d"):format(v:sub(1, 200), #v) end
    return ("%q"):format(v)
  elseif t == "table" then
    level = (level or 0) + 1
    if level > 60 then return "deep" end
    if rawget(v, "isobj") then return "obj(" .. S(rawget(v, "v"), deep, level) .. ")" end
    if deep then return "{...}" end
    local parts = {}
    for i = 1, 20 do
      local x = rawget(v, i)
      if x == nil then break end
      parts[i] = S(x, true)
    end
    return "{" .. table.concat(parts, ",") .. "}"
  elseif t == "nil" or t == "boolean" then return tostring(v)
  else return t end
end
local function TS(f, ...) local ok, r = pcall(f, ...) return clean(r) end
local function TN(f, ...) local ok, r = pcall(f, ...) return type(r) == "number" and r or -1 end
local function P(...)
  local n = select("#", ...)
  local parts = {}
  for i = 1, n do parts[i] = S((select(i, ...))) end
  print(table.concat(parts, "\t"))
end
-- What a protected call gave; its first result, without addresses.
local function E(ok, ...)
  if ok then P("ok", ...) else
    local e = ...
    if type(e) == "string" then print("error", clean(e)) else P("error", e) end
  end
  local r = ...
  if type(r) == "string" then r = clean(r) end
  return r
end
-- All pairs of a table, sorted.
local function D(t)
  local parts = {}
  for k, v in next, t do parts[#parts + 1] = S(k, true) .. "=" .. S(v, true) end
  table.sort(parts)
  print("{" .. table.concat(parts, " ") .. "}")
end
local Obj = {}
Obj.__index = function(t, k) if type(k) == "string" and rawget(Obj, k) then return rawget(Obj, k) end; return k end
local function val(x) if type(x) == "table" then return rawget(x, "v") end return x end
local function new(v) return setmetatable({isobj = true, v = v}, Obj) end
for _, op in ipairs {"add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr", "concat"} do
  Obj["__" .. op] = function(a, b) burn(); return new(S(val(a)):sub(1, 20) .. op .. S(val(b)):sub(1, 20)) end
end
Obj.__unm = function(a) return new("unm" .. S(val(a)):sub(1, 20)) end
Obj.__bnot = function(a) return new("bnot" .. S(val(a)):sub(1, 20)) end
Obj.__len = function(a) return #S(val(a)) end
Obj.__eq = function(a, b) return S(val(a)) == S(val(b)) end
Obj.__lt = function(a, b) return S(val(a)) < S(val(b)) end
Obj.__le = function(a, b) return S(val(a)) <= S(val(b)) end
Obj.__call = function(self, ...) burn(); return select("#", ...), ... end
Obj.__tostring = function(a) return "Obj:" .. S(val(a)) end
Obj.__name = "Obj"
Obj.__close = function(a, e) print("close", S(val(a)), e ~= nil and clean(e)) end
Obj.__newindex = function(t, k, v) rawset(t, k == nil and "nilkey" or k ~= k and "nankey" or k, v) end
function Obj.get(self) return val(self) end
function Obj.set(self, x) rawset(self, "v", x); return self end
function Obj.add(self, x) return new(S(val(self)):sub(1, 10) .. S(x):sub(1, 10)) end
-- A value of every kind, fresh ones.
local NV = 16
local function V(i)
  if i == 1 then return nil elseif i == 2 then return false elseif i == 3 then return true
  elseif i == 4 then return 7 elseif i == 5 then return 2.5 elseif i == 6 then return "abc"
  elseif i == 7 then return "10" elseif i == 8 then return {1, 2, x = 3} elseif i == 9 then return new(4)
  elseif i == 10 then return function(x) return x, 1 end elseif i == 11 then return math.abs
  elseif i == 12 then return io.stdout elseif i == 13 then return coroutine.create(burn)
  elseif i == 14 then return math.mininteger elseif i == 15 then return 3.0 else return "0x1p4" end
end
-- f with x and a value of every kind, both ways round.
local function ROW(f, x)
  burn()
  local parts = {}
  local function one(...)
    local ok, r, r2 = pcall(f, ...)
    parts[#parts + 1] = (ok and "" or "!") .. S(r, true) .. (r2 ~= nil and "," .. S(r2, true) or "")
  end
  for i = 1, NV do one(x, V(i)) one(V(i), x) end
  print(table.concat(parts, " "))
end
-- Yields inside coroutines, and is the identity.
local function Y(...) if coroutine.isyieldable() then coroutine.yield(...) end return ... end
-- Runs a coroutine to its end, at most n times.
local function DRAIN(co, n, ...)
  for i = 1, n do
    burn()
    local t = table.pack(coroutine.resume(co, ...))
    P(i, table.unpack(t, 1, t.n))
    if coroutine.status(co) == "dead" then break end
  end
  print(coroutine.status(co))
  E(coroutine.close(co))
end
-- For `trinity_tests::fuzz`: the reference again, with everything run far up on its stack, so that stacks never grow.
local GROW = false
local run = pcall
if GROW then
  local create, wrap = coroutine.create, coroutine.wrap
  local function keep(...) return ... end
  local function above(n, f, ...) if n > 0 then return keep(above(n - 1, f, ...)) end return f(...) end
  local function grown(f) return type(f) == "function" and function(...) return keep(above(150, f, ...)) end or f end
  coroutine.create = function(f) return create(grown(f)) end
  coroutine.wrap = function(f) return wrap(grown(f)) end
  run = function(...) return above(20000, pcall, ...) end
  -- The collector would shrink stacks.
  collectgarbage("stop")
end
local function RUN(seed, f)
  FUEL = 3000
  G0, G1, G2, G3 = nil, nil, nil, nil
  print("== " .. seed)
  local ok, e = run(f, seed, "x", 2.5, nil, true)
  if not ok then print("failed", clean(e)) end
end
