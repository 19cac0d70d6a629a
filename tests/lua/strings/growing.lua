-- Locals that grow by concatenation: whoever else has an earlier text keeps it, and builders take time in proportion to the result.
local function digits(n)
  local s = ""
  for i = 1, n do s = s .. i .. "," end
  return s
end
for n = 0, 60 do digits(n) end
print(#digits(100), digits(40), #digits(5000))

-- Many pieces.
do
  local s, t = "", ""
  for i = 1, 20000 do
    s = s .. "abc"
    if i % 3 == 0 then t = t .. s:sub(-2) end
  end
  print(#s, #t, s:sub(-5), t:sub(-5))
end

-- Earlier texts are kept by tables, other locals, functions, upvalues, comparisons.
local kept = {}
local function keep(x) kept[#kept + 1] = x; return x end
local function builder(n, how)
  local s, last, all, ups = "", "", {}, {}
  for i = 1, n do
    s = s .. "piece " .. i .. ";"
    if how == 1 then all[i] = s
    elseif how == 2 then last = s
    elseif how == 3 then keep(s)
    elseif how == 4 then all[s] = i
    elseif how == 5 then local copy = s; ups[i] = function() return copy end
    elseif how == 6 then all[i] = { text = s }
    elseif how == 7 then all[i] = s .. "!" .. s
    elseif how == 8 then all[i] = #s > 60 and s or ""
    elseif how == 9 then all[i] = s:upper()
    elseif how == 10 then if s == last then print "never" end last = s
    elseif how == 11 and i % 7 == 0 then all[#all + 1] = s; s = ""
    elseif how == 12 then s = s .. s:len()
    end
  end
  local h = #s + #last
  for k, v in pairs(all) do
    if type(v) == "table" then v = v.text end
    if type(k) == "string" then h = h + #k * v else h = h + #v * k end
  end
  for i, f in ipairs(ups) do h = h + #f() * i end
  for i, v in ipairs(kept) do h = h + #v * i end
  for i, v in ipairs(all) do
    if type(v) == "string" and how == 1 then assert(v:sub(-#("piece " .. i .. ";")) == "piece " .. i .. ";") end
  end
  kept = {}
  return h, s:sub(-20)
end
for round = 1, 3 do
  for how = 0, 12 do
    local h, e = builder(50, how)
    if round == 3 then print(how, h, e) end
  end
end

-- The debug library looks on, and assigns.
local seen = {}
local function look(level)
  for n = 1, 20 do
    local name, v = debug.getlocal(level, n)
    if not name then break end
    if name == "text" then seen[#seen + 1] = v end
  end
end
local function watched(n)
  local text = ""
  for i = 1, n do
    text = text .. "0123456789" .. i
    if i % 10 == 0 then look(2) end
  end
  return #text
end
for _ = 1, 3 do watched(40) end
print(watched(60), #seen)
for i, v in ipairs(seen) do io.write(#v, " ") end
print()
local function assigned(n)
  local text = ""
  local function change()
    for k = 1, 20 do
      local name, v = debug.getlocal(2, k)
      if name == "text" then
        seen[1] = v
        debug.setlocal(2, k, v .. "<changed>")
        return
      end
    end
  end
  for i = 1, n do
    text = text .. "abcdefgh"
    if i % 25 == 0 then change() end
  end
  return text
end
for _ = 1, 3 do assigned(30) end
local a = assigned(60)
print(#a, #seen[1], a:find("<", 1, true), seen[1]:find("<changed>a", 1, true))
local function hooked(n)
  local text, lens = "", {}
  local function hook()
    for k = 1, 20 do
      local name, v = debug.getlocal(2, k)
      if name == "text" and v then lens[#lens + 1] = v end
    end
  end
  for i = 1, n do
    text = text .. "abcdefghij"
    if i == n // 2 then debug.sethook(hook, "", 50) end
  end
  debug.sethook()
  for i = 2, #lens do assert(#lens[i] >= #lens[i - 1] and #lens[i] <= #text) end
  return #text, #lens > 0
end
print(hooked(400))

-- Operands with metamethods, which keep what they are given, or give it back.
local last
local meta = setmetatable({}, { __concat = function(x, y) last = x; return type(x) == "string" and x or y end })
local function mixed(n, other)
  local s = ""
  for i = 1, n do
    s = s .. (i % 20 == 0 and other or "0123456789")
  end
  return s
end
for _ = 1, 3 do mixed(30, "x") end
local m = mixed(59, meta)
print(#m, #last, m:sub(1, #last) == last)
print(pcall(mixed, 59, nil), pcall(mixed, 59, {}))
print(#mixed(59, 12.5), #mixed(59, ""), #mixed(59, ("y"):rep(100)))

-- Other kinds of values in the variable; numbers; nil.
local function kinds(n)
  local s
  for i = 1, n do
    if i % 50 == 1 then s = i elseif i % 50 == 30 then s = 1.5 end
    s = s .. "some text to grow by"
  end
  return s
end
for _ = 1, 3 do kinds(60) end
print(kinds(10), #kinds(80), kinds(131))

-- Prefixes, both sides, itself, empty strings.
local function sides(n)
  local s, p, d = "", "", "x"
  for i = 1, n do
    s = s .. ""
    s = s .. "ab"
    p = "ab" .. p
    if i % 10 == 0 then d = d .. d end
    s = "" .. s
  end
  return #s, #p, #d, s == p
end
for _ = 1, 3 do sides(30) end
print(sides(100))

-- Coroutines and errors in between; many of them at once.
local function talk(n)
  local s = ""
  for i = 1, n do
    s = s .. coroutine.yield(#s) .. "/"
    if i % 5 == 0 then pcall(error, s) end
  end
  return s
end
local cos, sum = {}, 0
for i = 1, 20 do cos[i] = coroutine.wrap(talk); cos[i](100) end
for r = 1, 99 do
  for i = 1, 20 do sum = sum + cos[i](("w"):rep(i)) end
end
print(sum, #cos[7]("end"))
local ok, e = pcall(function()
  local s = ""
  for i = 1, 100 do
    s = s .. "0123456789"
    if i == 60 then error(s, 0) end
  end
end)
print(ok, #e)

-- Memory: strings that grew are as large as a power of two, and go away.
collectgarbage()
local before = collectgarbage("count")
for r = 1, 20 do
  local s = ""
  for i = 1, 1000 do s = s .. "0123456789" end
  assert(#s == 10000 and s:byte(-1) == 57)
end
collectgarbage()
print(collectgarbage("count") - before < 200)
for r = 1, 20000 do
  local s = ""
  for i = 1, 8 do s = s .. "0123456789" end
end
print(collectgarbage("count") - before < 4000)
