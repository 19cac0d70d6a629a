-- The generic for: state, control, closing value, __pairs, __call as iterator, changed control copies.
local function range(n) return function(s, c) if c < s then return c + 1, c * c end end, n, 0 end
for a, b in range(4) do io.write(a, "/", b, " ") end
print()
for a, b, c in range(1) do print(a, b, c) end
for a in range(3) do local x = a; a = 100; io.write(x, " ") end
print()
local callable = setmetatable({}, { __call = function(self, s, c) c = c + 1 if c <= 3 then return c end end })
for i in callable, nil, 0 do io.write(i, " ") end
print()
local p = setmetatable({ 1, 2, 3 }, { __pairs = function(t) return function(_, k) k = (k or 0) + 1 if t[k] then return k, t[k] * 10 end end, t, nil end })
for k, v in pairs(p) do io.write(k, "=", v, " ") end
print()
local i = setmetatable({}, { __index = function(_, k) if k <= 4 then return k * k end end })
for k, v in ipairs(i) do io.write(k, "=", v, " ") end
print()
for k, v in next, { "only" } do print(k, v) end
local t = { 1, 2, 3, nil, 5 }
local n = 0
for _ in ipairs(t) do n = n + 1 end
print(n)
for w, x in string.gmatch("a=1,b=2", "(%w)=(%w)") do io.write(w, x, " ") end
print()
for line in coroutine.wrap(function() coroutine.yield "l1" coroutine.yield "l2" end) do print(line) end
for x in function() return nil end do print "never" end
for x in function() return false end do print(x) break end
local fs = {}
for k = 1, 3 do fs[k] = function() k = k + 1 return k end end
print(fs[1](), fs[1](), fs[2](), fs[3]())
