-- Random conversion specifications, many of them invalid, and random floats through string.format and tostring.
local N <const>, seed <const> = 3000, 7
local x = seed * 2654435761 % 4294967296
local function rnd(n) x = (x * 1664525 + 1013904223) % 4294967296; return (x >> 8) % n + 1 end
local function pick(t) return t[rnd(#t)] end
local convs = {"d","i","u","o","x","X","c","e","E","f","g","G","a","A","s","q","F","p","y","","l","\0d","%"}
local flags = {"","","","-","+"," ","#","0","-0","+-","+ ","0#"}
local widths = {"","","","1","5","10","20","99","100","05","0"}
local precs = {"","","",".",".0",".1",".3",".10",".20",".99",".100",".5.5"}
local vals = {0,1,-1,42,255,-255,65,1e15,0.1,1/3,-1.5,1e300,5e-324,1/0,-1/0,123456.789,0.5,1.5,2.5,1e-5,12345678,math.maxinteger,math.mininteger,3.0,-0.0,2^53,1e100,"12","0x10","abc","1.5","a\0b","", string.rep("x",120), true, false, "1e3", 99.995, 0.045, 1e21, 123456789012}
vals[#vals+1] = setmetatable({}, {__tostring = function() return "OBJ" end})
vals[#vals+1] = setmetatable({}, {__tostring = function() return 1 end})
vals[#vals+1] = setmetatable({}, {__name = "NAMED"})
for i = 1, N do
  local f = "%" .. pick(flags) .. pick(widths) .. pick(precs) .. pick(convs)
  local v
  if rnd(3) == 1 then v = (rnd(16777216) * 2^-12 - 2000) * 10.0 ^ (rnd(30) - 15) elseif rnd(4) == 1 then v = rnd(16777216) * rnd(16777216) * rnd(65536) - rnd(1000000000) else v = pick(vals) end
  if rnd(50) == 1 then v = nil end
  local ok, r = pcall(string.format, "<" .. f .. ">", v)
  r = r:gsub("0x%x%x%x%x%x%x%x%x+", "PTR")
  if f:sub(-1) == "p" and type(v) ~= "number" then r = "ptr" end
  if f:sub(-1) == "s" and type(v) == "table" then r = r:gsub("NAMED:.*", "NAMED") end
  print((string.format("%q", f)), type(v) == "table" and "T" or (tostring(v):gsub("%-nan", "nan")), ok, (r:gsub("%-?nan", "nan"):gsub("%-?NAN", "NAN")))
end
for i = 1, N do
  local v = (rnd(16777216) * 2^-12 - 2000) * 10.0 ^ (rnd(40) - 20)
  print(v, -v, v // 1, string.format("%.14g %.17g %.3f %5.1f %g %.0f %q", v, v, v, v, v, v, v))
end
