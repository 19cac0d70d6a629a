-- Generic loops over functions of all kinds: closures, coroutines, callable tables; more and fewer results; left from inside.
local function range(n)
  local i = 0
  return function()
    i = i + 1
    if i <= n then return i, i * 2, "v" .. i end
  end
end
local function sum(n)
  local s, t, names = 0, 0, {}
  for i, twice, name in range(n) do
    s, t = s + i, t + twice
    names[#names + 1] = name
  end
  return s, t, #names, names[#names]
end
for _ = 1, 10 do sum(5) end
print(sum(20))

-- Fewer results than variables, and more.
local function few(limit)
  return function(state, control)
    control = control + 1
    if control > limit then return end
    if control % 2 == 0 then return control end
    return control, "odd", true, "unused"
  end, nil, 0
end
local function list(n)
  local out = {}
  for i, kind, flag, none in few(n) do
    out[#out + 1] = i .. tostring(kind) .. tostring(flag) .. tostring(none)
  end
  return table.concat(out, " ")
end
for _ = 1, 10 do list(4) end
print(list(7))

-- State and control are passed; other kinds of iterators in the same place.
local function walk(f, s, c)
  local out = {}
  for a, b in f, s, c do out[#out + 1] = tostring(a) .. "=" .. tostring(b) end
  return table.concat(out, ",")
end
local function step(s, c) if c < #s then return c + 1, s[c + 1] end end
for _ = 1, 20 do walk(step, { 7, 8, 9 }, 0) end
print(walk(step, { 7, 8, 9 }, 0))
print(walk(setmetatable({}, { __call = function(_, s, c) if c < 3 then return c + 1, s end end }), "state", 0))
print(walk(coroutine.wrap(function(s, c) coroutine.yield(s, c) coroutine.yield(2, "two") end), "first", 1))
print(walk(next, { 5 }))
print(walk(ipairs({ "x", "y" })))
print(walk(string.gmatch("a=1 b=2", "(%w)=(%w)")))
print(pcall(walk, 5, 1, 2))
print(select(2, pcall(walk, nil)))

-- The frame is left while the iterator runs.
local hook = 0
local function leaves(n, when)
  local i = 0
  local total = 0
  for v, w in function()
    i = i + 1
    if i == when then debug.sethook(function() hook = hook + 1 end, "l") end
    if i == when + 2 then debug.sethook() end
    if i <= n then return i, i + 0.5 end
  end do
    total = total + v + w
  end
  return total
end
for _ = 1, 10 do leaves(5, 100) end
print(leaves(10, 4), hook > 3)

-- Collected in the iterator, and an error in it.
local function collected(n)
  local i = 0
  local made = {}
  for t in function() i = i + 1 collectgarbage() if i <= n then return { i } end end do
    made[#made + 1] = t
  end
  local s = 0
  for _, t in ipairs(made) do s = s + t[1] end
  return s
end
for _ = 1, 5 do collected(3) end
print(collected(10))
print(pcall(function()
  for v in function() error("in the iterator", 0) end do print(v) end
end))
print((select(2, pcall(function()
  for v in function() error("located") end do print(v) end
end)):gsub("^.-:%d+: ", "")))

-- With a closing value.
do
  local closed = false
  for i in few(3), nil, 0, setmetatable({}, { __close = function() closed = true end }) do
    if i == 2 then break end
  end
  print(closed)
end
