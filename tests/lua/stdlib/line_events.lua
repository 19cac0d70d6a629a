-- Lines at which the line hook fires, for statements of all kinds spread over lines.
local function T(s) local t = {} debug.sethook(function(e,l) t[#t+1]=l end, "l") load(s)() debug.sethook() print(table.concat(t, ",")) end
T[[if
math.sin(1)
then
  a=1
else
  a=2
end
]]
T[[
local function foo()
end
foo()
A = 1
A = 2
A = 3
]]
T[[--
if nil then
  a=1
else
  a=2
end
]]
T[[a=1
repeat
  a=a+1
until a==3
]]
T[[ do
  return
end
]]
T[[local a
a=1
while a<=3 do
  a=a+1
end
]]
T[[while math.sin(1) do
  if math.sin(1)
  then break
  end
end
a=1]]
T[[for i=1,3 do
  a=i
end
]]
T[[for i,v in pairs{'a','b'} do
  a=tostring(i) .. v
end
]]
T[[for i=1,4 do a=1 end]]
T[[
local a = {
  1,
  2,
  x = 3,
}
local b = a.x
  + 1
  * 2
local c = b > 3
  and a
  or b
local function f(
  x,
  y)
  return x
    , y
end
f(
 1,
 2
)
local t = f
  (1)
goto l
do local z = 1 end
::l::
if b == 3 then
  b = 4
elseif b
  < 5 then
  b = 5
end
while b <
  8 do
  b =
   b + 1
end
repeat
 local q = b
 b = b + 1
until
  q > 3
for i = 1,
  2 do
  b = i
end
local s = "a"
  .. "b"
  .. b
return s,
  t
]]
