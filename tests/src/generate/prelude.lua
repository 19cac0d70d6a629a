-- Shared by all generated programs: printing without addresses, fuel, objects with every metamethod.
local FUEL
local function burn() FUEL = FUEL - 1; if FUEL < 0 then error("out of fuel", 0) end return true end
local function S(v, deep)
  local t = type(v)
  if t == "number" then
    if v ~= v then return "nan" end
    return math.type(v) == "integer" and tostring(v) or "f" .. tostring(v)
  elseif t == "string" then
    if #v > 200 then return ("%q..%d"):format(v:sub(1, 200), #v) end
    return ("%q"):format(v)
  elseif t == "table" then
    if rawget(v, "isobj") then return "obj(" .. S(rawget(v, "v")) .. ")" end
    if deep then return "{...}" end
    local parts = {}
    for i = 1, #v do parts[i] = S(v[i], true); if i > 20 then break end end
    return "{" .. table.concat(parts, ",") .. "}"
  elseif t == "nil" or t == "boolean" then return tostring(v)
  else return t end
end
local function TN(f, ...) local ok, r = pcall(f, ...) return type(r) == "number" and r or -1 end
-- Addresses; and the line in messages about integer division by zero, where the reference names the last line at which it had saved
-- its position (COMPATIBILITY.md).
local function clean(s)
  s = tostring(s):gsub("0x%x%x%x%x%x+", "PTR")
  s = s:gsub(":%d+: attempt to divide by zero", ":?: attempt to divide by zero")
  return (s:gsub(":%d+: attempt to perform 'n%%", ":?: attempt to perform 'n%%%%"))
end
local function TS(f, ...) local ok, r = pcall(f, ...) return clean(r) end
local function P(...)
  local n = select("#", ...)
  local parts = {}
  for i = 1, n do parts[i] = S((select(i, ...))) end
  print(table.concat(parts, "\t"))
end
local function E(ok, ...)
  if ok then P("ok", ...) else
    local e = ...
    if type(e) == "string" then
      e = clean(e)
      print("error", e)
      return e
    end
    P("error", e)
  end
  return ...
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
local function RUN(seed, f)
  FUEL = 3000
  G0, G1, G2, G3 = nil, nil, nil, nil
  print("== " .. seed)
  local ok, e = pcall(f, seed, "x", 2.5, nil, true)
  if not ok then print("failed", clean(e)) end
end
