-- Open calls that always gave one result when it was trained, and other numbers of results later.
local select, pack, unpack = select, table.pack, table.unpack
local function count(...) return select("#", ...), ... end

local function give(n)
  if n == 1 then return "one" elseif n == 0 then return elseif n == 2 then return "a", "b" end
  return "x", "y", "z", n
end
local function through(n) return give(n) end
local function takes(n) return count(give(n)) end
local function tail(n) return count(through(n)) end
local function list(n) return { give(n) } end
local function longer(n) return { "first", "second", give(n) } end
local function returns(n) return n, give(n) end
local function nested(n) return count(count(give(n))) end
local function tostr(n) return count(tostring(n)) end
local function bytes(s, i) return count(string.byte(s, i)) end
local function id(...) return ... end
local function formats(a, ...) return string.format("%s|%s", a, id(a)) end
local function several(s, n) return string.byte(s, 1, id(n)) end
local function varargs(s, ...) return string.byte(s, 1, id(-1)) end
local function selected(n) return select(n, "a", "b", id("c")) end
local function method(o, n) return count(o:give(n)) end
local object = { give = function(self, n) return give(n) end }
local callable = setmetatable({}, { __call = function(self, n) return give(n) end })
local function calls(f, n) return count(f(n)) end
local function concat(...) local t = pack(...) for i = 1, t.n do t[i] = tostring(t[i]) end return table.concat(t, ",") end
for i = 1, 60 do
  local text = "text" .. i
  assert(formats(i, i) == i .. "|" .. i and select("#", formats(i)) == 1)
  assert(select("#", several(text, -1)) == #text and select("#", varargs(text, 1)) == #text)
  assert(select("#", selected(i % 3 + 1)) == 3 - i % 3)
end
local function all(n)
  print(n, concat(takes(n)), concat(tail(n)), concat(nested(n)), #list(n), concat(unpack(longer(n))))
  print(concat(returns(n)), concat(method(object, n)), concat(calls(give, n)), concat(calls(callable, n)), concat(tostr(n)))
end
local sum = 0
for i = 1, 200 do
  local n = takes(1) + tail(1) + #list(1) + #longer(1) + select("#", returns(1)) + nested(1) + tostr(i)
  n = n + method(object, 1) + calls(give, 1) + calls(callable, 1) + bytes("abc", i % 3 + 1)
  sum = sum + n
end
print(sum)
local training = os.getenv("TRINITY_TRAINING")
for _, n in ipairs(training and { 1, 1, 1, 1, 1 } or { 1, 0, 2, 3, 1, 40, 1 }) do all(n) end
if training then os.exit(true, true) end
print(concat(bytes("abc", 2)), concat(bytes("abc", 7)), concat(bytes("", 1)))
-- Errors in and behind such calls.
local function fails(n) return count(error("failed " .. n, 0)) end
print(pcall(fails, 1))
print(pcall(calls, 17, 1))
print(pcall(function() local t = { give(0) }; return t.x.y end))
-- Coroutines that yield in the open call.
local co = coroutine.wrap(function()
  for i = 1, 3 do print("in", concat(count(coroutine.yield(i)))) end
  return "end"
end)
print(co()) print(co(1)) print(co()) print(co(1, 2, 3))
local insert, t = table.insert, {}
local function id(x) return x end
for i = 1, 50 do insert(t, id(i)) insert(t, (tostring(i))) end
print(#t, t[1], t[2], t[99], t[100])
print(pcall(function() insert(t, give(0)) end))
insert(t, 1, id("front"))
print(t[1], #t)
print(pcall(function() insert(t, 1, give(2)) end))
-- Collected while the values wait.
local function garbage(n) local s for i = 1, n do s = { s } end return s end
local live = 0
for i = 1, 100 do
  local u = { id(i), garbage(20), id({ i }) }
  live = live + u[1] + u[3][1] + count(id("s" .. i))
end
print(live)
