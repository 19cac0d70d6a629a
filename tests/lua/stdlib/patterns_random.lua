-- Random patterns, many of them malformed, through find, match, gsub and gmatch: results and messages.
local N <const>, seed <const> = 1500, 7
local x = seed * 2654435761 % 4294967296
local function rnd(n) x = (x * 1664525 + 1013904223) % 4294967296; return (x >> 8) % n + 1 end
local function pick(t) return t[rnd(#t)] end
local pieces = {"a","b","c",".","%a","%d","%s","%w","%A","%D","%W","%x","%p","%u","%l","%c","%g","%z","%Z","[abc]","[^ab]","[a-c]","[%w_]","[^%s]","[%D]","[]]","[^]]","[a-]","[%-a]","[%]]","x","1"," ","%%","%.","[%S%d]","[^%W]"}
local suf = {"","","","*","+","-","?"}
local special = {"%b()","%bab","%f[%w]","%f[^%w]","%1","%2","%0","$","^","(",")","()","%","[","[^","[a","%b","%f","%b(","%9","(%a+)","(.-)","(%w*)","(b?)","\0","-","*"}
local function pattern()
  local t = {}
  if rnd(6) == 1 then t[1] = "^" end
  local open = 0
  for i = 1, rnd(6) do
    local r = rnd(10)
    if r <= 6 then t[#t+1] = pick(pieces) .. pick(suf)
    elseif r == 7 then t[#t+1] = pick(special)
    elseif r == 8 then t[#t+1] = "(" open = open + 1
    elseif open > 0 then t[#t+1] = ")" open = open - 1
    else t[#t+1] = pick(pieces) .. pick(suf) end
  end
  if rnd(20) > 1 then for i = 1, open do t[#t+1] = ")" end end
  if rnd(6) == 1 then t[#t+1] = "$" end
  return table.concat(t)
end
local alpha = {"a","b","c","(",")"," ","1","x","A","_","]","-","%","\0","\n","\xe9","ab","aab","(a(b))"}
local function subject()
  local t = {}
  for i = 1, rnd(12) - 1 do t[i] = pick(alpha) end
  return table.concat(t)
end
local repls = {"<%0>","%1","%2","%%","x","","%","%a","[%1%0]"}
local function show(...)
  local n = select("#", ...)
  local t = {}
  for i = 1, n do local v = select(i, ...); t[i] = type(v) == "string" and string.format("%q", v) or tostring(v) end
  return table.concat(t, "\t")
end
local out = {}
for i = 1, N do
  local s, p = subject(), pattern()
  local r = {string.format("%q %q", s, p)}
  r[#r+1] = show(pcall(string.find, s, p))
  r[#r+1] = show(pcall(string.find, s, p, rnd(8) - 4))
  r[#r+1] = show(pcall(string.match, s, p, rnd(4)))
  r[#r+1] = show(pcall(string.find, s, p, 1, true))
  r[#r+1] = show(pcall(string.gsub, s, p, pick(repls)))
  r[#r+1] = show(pcall(string.gsub, s, p, function(a, b) return a and #tostring(a) % 2 == 0 and "<" .. tostring(b) .. ">" end, rnd(4)))
  r[#r+1] = show(pcall(string.gsub, s, p, {a = "1", b = true, c = false, ab = 12, [1] = "pos"}))
  r[#r+1] = show(pcall(function() local t = {} for a, b in string.gmatch(s, p) do t[#t+1] = show(a, b) end return table.concat(t, ";") end))
  print(table.concat(r, " | "))
end
