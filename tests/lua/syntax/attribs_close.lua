-- <close>: order, error argument, break, return, goto, tail of loops, nil and false.
local function res(name)
  return setmetatable({}, { __close = function(_, e) print("close " .. name, e) end })
end
do
  local a <close> = res "a"
  local b <close> = res "b"
  local c <close> = nil
  local d <close> = false
  print "body"
end
local function ret()
  local x <close> = res "x"
  return "value", (function() print "evaluated first" return 2 end)()
end
print(ret())
for i = 1, 3 do
  local l <close> = res("loop" .. i)
  if i == 2 then break end
end
do
  local k = 0
  ::top::
  do
    local g <close> = res("goto" .. k)
    k = k + 1
    if k < 3 then goto top end
  end
end
print(pcall(function()
  local p <close> = res "p"
  local q <close> = setmetatable({}, { __close = function(_, e) print("q sees", e) error("from q", 0) end })
  error("first", 0)
end))
print(pcall(function() local z <close> = 42 end))
print(pcall(function() local zz <close> = {} end))
-- Values returned survive a close method that yields no result.
print((function() local r <close> = res "r" return 1, 2, 3 end)())
-- The closing value of a generic for.
local function iter()
  return function(_, k) if k < 3 then return k + 1 end end, nil, 0, res "for"
end
for k in iter() do io.write(k, " ") end
print()
for k in iter() do if k == 2 then break end end
print(pcall(function() for k in iter() do error("in loop", 0) end end))
-- A tail call is not one when there is something to close.
local function tail() local t <close> = res "t" return print("called before close") end
tail()
