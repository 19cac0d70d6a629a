-- next is a leaf function of the loop, and remembers where it was: every kind of key, ways out after many usual iterations, tables that change.

local function sorted(t)
  local out = {}
  for k, v in pairs(t) do out[#out + 1] = tostring(k) .. "=" .. tostring(v) end
  table.sort(out)
  return table.concat(out, " ")
end
local function sum(t)
  local s, n = 0, 0
  for _, v in pairs(t) do s = s + v n = n + 1 end
  return s, n
end

local fields, array, dictionary, both = {}, {}, {}, {}
for i = 1, 10 do fields["f" .. i] = i end
for i = 1, 100 do array[i] = i dictionary["k" .. i] = i both[i] = i both["k" .. i] = i end
for _ = 1, 50 do sum(fields) sum(array) sum(dictionary) sum(both) sorted(fields) end
print(sum(fields))
print(sum(array))
print(sum(dictionary))
print(sum(both))
print(sum({}))
print(sum({ 1.5, 2.5, x = 1 }))
print(pcall(sum, { 1, "x" }))
print(pcall(sum, { a = {} }))
print(pcall(sum, nil))
print(sorted(fields))
print(sorted({ [1] = "a", [2.5] = "b", [true] = "c", [false] = "d", x = "e", [-1] = "f", [1 << 40] = "g", [string.rep("l", 50)] = "h" }))
print(sorted({ nil, nil, 3, nil, 5 }))
print(sorted(setmetatable({ 1 }, { __pairs = function(t) return function(_, k) if not k then return 1, "own" end end, t, nil end })))

-- keys of other kinds than usual, values of other kinds
local function keys(t)
  local n = 0
  for k in pairs(t) do n = n + #k end
  return n
end
for _ = 1, 50 do keys(fields) end
print(keys(fields), pcall(keys, { 5 }), keys({ [string.rep("x", 100)] = 1 }))
local function third(t)
  local all = true
  for k, v, w in pairs(t) do all = all and w == nil end
  return all
end
for _ = 1, 50 do third(fields) end
print(third(fields), third({ 1, 2 }))

-- next itself, from the beginning and from a key
local function from(t, key)
  local n = 0
  for k, v in next, t, key do n = n + v end
  return n
end
for _ = 1, 50 do from(array) end
print(from(array), from(array, 50), from(array, 100), from({}, nil))
print(pcall(from, array, "no key"))
print(pcall(from, array, 1000))
print(pcall(from, 5))

-- tables that change: fields cleared and assigned, the traversal's own included
local function clear(t)
  local n = 0
  for k in pairs(t) do t[k] = nil n = n + 1 end
  return n, next(t)
end
local function double(t)
  for k, v in pairs(t) do t[k] = v * 2 end
  return sum(t)
end
local function filter(t)
  for k, v in pairs(t) do if v % 2 == 0 then t[k] = nil end end
  return sum(t)
end
local function filled(n)
  local t = {}
  for i = 1, n do t[i] = i t["k" .. i] = i t[i + 0.5] = i end
  return t
end
for _ = 1, 20 do clear(filled(10)) double(filled(10)) filter(filled(10)) end
print(clear(filled(40)))
print(double(filled(40)))
print(filter(filled(40)))
-- with collections in between: keys that were cleared may be gone
local function collected(n)
  local t = {}
  for i = 1, n do t["key" .. i] = i t[{}] = i end
  local seen = 0
  for k, v in pairs(t) do
    t[k] = nil
    seen = seen + v
    if seen % 7 == 0 then collectgarbage() end
  end
  return seen, next(t)
end
for _ = 1, 5 do collected(5) end
print(collected(30))

-- places that earlier loops in the same registers left behind mean nothing to later ones
local function places(sizes)
  local total, wrong = 0, 0
  for a = 1, #sizes do
    local t, u, n = {}, {}, 0
    for i = 1, sizes[a] do t["a" .. i] = i end
    for stop = 1, sizes[a] do
      local k = 0
      for _ in next, t, nil do k = k + 1 if k == stop then break end end
      for b = 1, sizes[a] do
        u, n = {}, 0
        for i = 1, b do u[i * 3.5] = i end
        for _, v in next, u, nil do n = n + v end
        total = total + n
        if n ~= b * (b + 1) // 2 then wrong = wrong + 1 end
      end
    end
  end
  return total, wrong
end
print(places({ 1, 3, 5, 9, 17 }))

-- ways out and loops in loops
local function find(t, x)
  for k, v in pairs(t) do if v == x then return k end end
end
local function crossed(a, b)
  local n = 0
  for k, v in pairs(a) do
    for l, w in pairs(b) do
      if k == l then goto continue end
      n = n + v * w
      ::continue::
    end
  end
  return n
end
local function captured(t)
  local fs = {}
  for k, v in pairs(t) do fs[#fs + 1] = function() v = v + 1 return v end end
  local n = 0
  for _, f in ipairs(fs) do f() n = n + f() end
  return n
end
for _ = 1, 20 do find(fields, 5) crossed(fields, fields) captured(fields) end
print(find(fields, 7), find(fields, 70), crossed(fields, dictionary), captured(fields))

-- coroutines, errors with tracebacks
local function each(t) return coroutine.wrap(function() for k, v in pairs(t) do coroutine.yield(k, v) end end) end
local n = 0
for _ = 1, 20 do for k, v in each(fields) do n = n + v end end
print(n)
local function fails(t)
  for k, v in pairs(t) do
    if v == 3 then error(debug.traceback("at " .. k, 1), 0) end
  end
end
for _ = 1, 20 do fails({ 1, 2 }) end
print((select(2, pcall(fails, { 1, 2, 3 })):gsub("\n[^\n]*%[C%].*", "")))

-- the loop's own variables, changed from outside: the key, the table, what stands for the place
local function change(t, how)
  local out = {}
  for k, v in pairs(t) do
    out[#out + 1] = tostring(k)
    if k == 3 and how then
      local states = {}
      for n = 1, 30 do
        local name = debug.getlocal(1, n)
        if name == "(for state)" then states[#states + 1] = n end
      end
      how(states)
    end
  end
  return table.concat(out, " ")
end
for _ = 1, 20 do change({ 1, 2, 3, 4 }) end
print(change({ 1, 2, 3, 4, 5, 6, 7, 8 }))
print(change({ 1, 2, 3, 4, 5, 6, 7, 8 }, function(s) debug.setlocal(2, s[2], { 9, 9, 9, 9, 9 }) end))
print(change({ 1, 2, 3, 4, 5, 6, 7, 8 }, function(s) debug.setlocal(2, s[3], 6) end))
print(change({ 1, 2, 3, 4 }, function(s) debug.setlocal(2, s[4], nil) end))
print(pcall(change, { 1, 2, 3, 4 }, function(s) debug.setlocal(2, s[3], "no key") end))

-- values that are to be closed
local closed = 0
local function closing(t)
  local s = 0
  local done = setmetatable({}, { __close = function() closed = closed + 1 end })
  for k, v in next, t, nil, done do s = s + v end
  for k, v in next, t, nil, done do if v > 2 then break end end
  for k, v in next, t, nil, false do s = s + v end
  return s
end
for _ = 1, 20 do closing({ 1, 2, 3 }) end
print(closing({ 1, 2, 3 }), closed)

local hooked = 0
local function hooks_itself(t)
  local s = 0
  for k, v in pairs(t) do
    s = s + v
    if k == 3 and t[10] then debug.sethook(function() hooked = hooked + 1 end, "l") end
  end
  debug.sethook()
  return s
end
for _ = 1, 20 do hooks_itself({ 1, 2, 3, 4 }) end
hooks_itself({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 })
print(hooked)
