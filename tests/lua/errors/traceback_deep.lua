-- Long tracebacks skip the middle.
local function down(n)
  if n == 0 then error("bottom") end
  return (down(n - 1))
end
down(40)
