-- Tail calls of inlined functions: arguments move to other slots than those where they are, whatever is in those.

local function other(k) return k % 3 == 0 and k or "s" .. k end
local many = load("local k = ... if k % 3 == 0 then return k end return 's' .. k")
local function last(a, b, c)
  local s = many(2)
  if type(a) == "boolean" then s = debug.getlocal(1, 2) == "b" and select(2, debug.getlocal(1, 2)) or "?" end
  return tostring(a) .. "/" .. tostring(b) .. "/" .. tostring(c) .. s
end
local function field(t, x, k)
  local unused, also, again = x, k, t
  return last(t.value, many(k), x)
end
local function called(x, k)
  local y = other(k)
  return last(y, x, (many(k + 1)))
end
local function boolean(x, k)
  local y = many(k)
  if k > 95 then return last(k == 97, y, other(k + 1)) end
  return last(x, y, other(k + 2))
end
local function swapped(x, k) return last(k, x, x) end
local function made(x, k) return last({ tuple = { k } }, x, k) end

local t = { value = 0 }
local n = 100
local s = 0
local function round(k)
  t.value = k % 2 == 0 and k or k / 2
  local a = field(t, "x", k)
  local b = called(t.value, k)
  local c = boolean(a, k)
  local d = swapped(b, c)
  local e = made(d, k):gsub("^table: %w+", "table")
  s = s + #a + #b + #c + #d + #e
  if k % 24 == 0 or k > 90 then print(a, b, c, d, e) end
end
for k = 1, n do round(k) end
print(s)

-- Arguments that much cold code before the call may have to store.
local function sum(a, b, c, d, e, f)
  local g = many(2)
  return tostring(a) .. b .. c .. d .. e .. f .. g
end
local function fields(o, x, k)
  local y, z = k .. "y", x
  return sum(x, y, o.a, o.b.a, o.c, #o.d)
end
local o = { a = 1, b = { a = 2 }, c = "c", d = {} }
local function around(k) return fields(o, k + 0.5, k) end
for k = 1, 400 do
  local text = around(k)
  if k % 80 == 0 then print(text) end
end
o.c = 3
print(around(1), around(2))
o.d = "four"
print(around(3), around(4))
local much = 0
for k = 1, 3e6 do much = much + k % 7 end
print(much)

-- An object of several fields, through several functions that end with calls.
local function typed(w, name, o) o.f = w.f o.name = name return o end
local function values(w, v, wanted)
  if v == nil then return typed(w, "tuple", { tuple = {} }) end
  if v.va then local r = typed(w, "tuple", { tuple = {} }) for i = 1, wanted do r.tuple[i] = v.va end return r end
  return v
end
local function resolve(t, found, w)
  local def = found.def
  local r
  if def.name == "generic" then r = typed(w, "invalid", {}) else r = def end
  t.resolved = r
  return r
end
local function find(t) if t.known then return t.known end return nil, t.found end
local function nominal(t, w)
  local at_once, found = find(t)
  if at_once then return at_once end
  return resolve(t, found, w)
end
local function after(w, v, k)
  local r = values(w, v, k)
  local q = nominal({ found = { def = r }, known = k % 5 == 0 and r }, w)
  return (r.name or "?") .. (r.f or "?") .. (q.name or "-") .. #(r.tuple or "")
end
local w = { f = "file" }
for k = 1, 60 do
  local v
  if k % 3 == 0 then v = { va = k } elseif k % 3 == 1 then v = { name = "generic", f = k } end
  local text = after(w, v, k)
  if k % 7 == 0 then print(text) end
end
