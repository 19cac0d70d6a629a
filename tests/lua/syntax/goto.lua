-- goto: continue, nested loops, backward jumps, closures made in a loop by goto.
for i = 1, 5 do
  if i % 2 == 0 then goto continue end
  io.write(i, " ")
  ::continue::
end
print()

for i = 1, 3 do
  for j = 1, 3 do
    if i * j == 4 then goto out end
    io.write(i, "*", j, " ")
  end
end
::out::
print()

do
  local n = 0
  ::again::
  n = n + 1
  if n < 5 then goto again end
  print(n)
end

-- Each pass makes a fresh local, so each closure has its own.
local closures = {}
do
  local i = 1
  ::top::
  do
    local k = i * 10
    closures[i] = function() k = k + 1 return k end
  end
  i = i + 1
  if i <= 3 then goto top end
end
for _ = 1, 2 do
  for i = 1, 3 do io.write(closures[i](), " ") end
end
print()

-- A jump to a label at the end of a block may pass over a local.
do
  goto done
  local x = 1
  ::done::
end

-- The same label name in nested functions.
local function f()
  goto l1
  do return "skipped" end
  ::l1::
  local function g()
    goto l1
    do return "skipped too" end
    ::l1::
    return "inner"
  end
  return g(), "outer"
end
print(f())

-- goto out of a repeat whose condition uses a local of the body.
local k = 0
repeat
  local stop = k >= 3
  k = k + 1
  if k == 2 then goto next end
  io.write(k, ";")
  ::next::
until k > 5 or false
print(k)
