-- <const>: compile-time constants of every kind, folded and captured.
local i <const> = 10
local f <const> = 2.5
local s <const> = "text"
local t <const> = true
local n <const> = nil
local fn <const> = function(x) return x + i end
print(i, f, s, t, n, fn(5))
print(i + 1, i * f, s .. "!", not t, n == nil, -i, ~i, i // 3, i % 3, i ^ 2)
local function capture() return i, f, s, t, n end
print(capture())
local a <const>, b, c <const> = 1, 2, 3
b = b + a + c
print(a, b, c)
local tbl <const> = { x = 1 }
tbl.x = tbl.x + 1
print(tbl.x)
for k = 1, 2 do
  local sq <const> = k * k
  print((function() return sq end)())
end
print(load("local x <const> = 1; x = 2"))
print(load("local x <const> = 1; return function() x = 2 end"))
print(load("local x <close> = nil; x = 2"))
print(load("local x <foo> = 1"))
print(load("local x <close>, y <close> = nil, nil"))
