-- Random formats, many of them invalid, through pack, packsize and unpack.
local N <const>, seed <const> = 3000, 7
local x = seed * 2654435761 % 4294967296
local function rnd(n) x = (x * 1664525 + 1013904223) % 4294967296; return (x >> 8) % n + 1 end
local function pick(t) return t[rnd(#t)] end
local opts = {"b","B","h","H","i","I","l","L","j","J","T","f","d","n","s","z","x","X","<",">","=","!"," ","i1","i2","i3","i4","i7","i8","i9","i16","I1","I3","I5","I16","s1","s2","s4","c0","c1","c5","c10","!1","!2","!4","!8","!16","!3","Xi4","Xd","Xb","Xz","Xs2","i17","i0","c","y","X!","i20"}
local vals = {0,1,-1,127,128,255,256,-128,-129,65535,1e3,1.5,2^40,math.maxinteger,math.mininteger,"","a","abc","hello","a\0b","12",("x"):rep(300),0.1,-2.5,1/0}
local function q(s) return (string.format("%q", s):gsub("\n", "n")) end
local function show(...)
  local t = {}
  for i = 1, select("#", ...) do local v = select(i, ...); t[i] = type(v) == "string" and q(v) or tostring(v) end
  return table.concat(t, " ")
end
for i = 1, N do
  local f, a = {}, {}
  for j = 1, rnd(5) do
    local o = pick(opts)
    f[j] = o
    local c = o:sub(1, 1)
    if c:find("[bBhHiIlLjJTfdnszc]") then
      if rnd(8) == 1 then a[#a+1] = pick(vals)
      elseif c == "s" or c == "z" or c == "c" then a[#a+1] = pick{"","a","abc","hello"}
      elseif c:find("[fdn]") then a[#a+1] = pick{0.5,1,-3.25,1e10}
      else a[#a+1] = pick{0,1,2,100,127,5} end
    end
  end
  f = table.concat(f)
  local ok, s = pcall(string.pack, f, table.unpack(a))
  print(f, ok, q(s), show(pcall(string.packsize, f)))
  if not ok then s = ("\1\2\3\4\5\0\7\xff"):rep(rnd(4)) end
  print(show(pcall(string.unpack, f, s)))
  print(show(pcall(string.unpack, f, s, rnd(6) - 3)))
end
