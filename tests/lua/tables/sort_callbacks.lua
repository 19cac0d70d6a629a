-- Order functions of table.sort and replacement functions of gsub, called from inside the library: results, errors, yields, hooks, depth.
local function shuffled(n) local t, s = {}, 7 for i = 1, n do s = (s * 16807) % 2147483647 t[i] = s % 1000 end return t end
local function show(t) print(table.concat(t, " ", 1, math.min(#t, 12))) end
local calls = 0
local function less(a, b) calls = calls + 1 return a < b end
for _ = 1, 5 do local t = shuffled(200) table.sort(t, less) for i = 2, #t do assert(t[i - 1] <= t[i]) end end
print(calls)
-- No result, several, other truths.
local t = shuffled(20) table.sort(t, function() end) show(t)
t = shuffled(20) table.sort(t, function(a, b) return a > b, "more", "values" end) show(t)
t = shuffled(20) table.sort(t, function(a, b) return a < b and "yes" or nil end) show(t)
t = shuffled(20) table.sort(t, function(...) local a, b = ... return a < b end) show(t)
print(pcall(table.sort, shuffled(20), function(a) return a < 500 end))
print(pcall(table.sort, { "b", "a", "C", "d" }, rawequal))
print(pcall(table.sort, { 1, 2, 3 }, setmetatable({}, { __call = less })))
-- Errors and what was done before them.
t = { 3, 2, 1, "x", 5 } print(pcall(table.sort, t, less)) print(#t)
print(pcall(table.sort, { 5, 4, 3, 2, 1 }, function(a, b) return true end))
print(pcall(table.sort, shuffled(50), function(a, b) error({ a = 1 } and "from inside", 0) end))
print(select(2, pcall(table.sort, { 2, 1 }, function(a, b) local x = a + nil return x end)))
print(xpcall(table.sort, function(m) return "handled " .. m end, { 2, 1 }, function() error("late") end))
-- Yields do not cross.
local co = coroutine.wrap(function() return pcall(table.sort, { 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end) end)
print(co())
co = coroutine.wrap(function() return pcall(string.gsub, "abc", "%w", function(c) coroutine.yield(c) end) end)
print(co())
co = coroutine.wrap(function() local t = shuffled(30) table.sort(t, less) coroutine.yield(t[1]) return t[30] end)
print(co(), co())
t = shuffled(30)
table.sort(t, function(a, b) return coroutine.wrap(function() coroutine.yield(a < b) end)() end) show(t)
-- Nested, with collections, with growing stacks, with the table changed meanwhile.
local function deep(n) if n == 0 then return 0 end return 1 + deep(n - 1) end
t = shuffled(12)
table.sort(t, function(a, b) local u = { 3, 1, 2 } table.sort(u, less) deep(2000) collectgarbage("step") return a * u[1] < b end) show(t)
t = shuffled(40)
print(pcall(table.sort, t, function(a, b) t[#t + 1] = 1 t[#t] = nil t.x = a return a < b end)) show(t)
t = shuffled(300)
print((pcall(table.sort, t, function(a, b) for i = 1, #t do t[i] = nil end return a < b end)))
local function forever() table.sort({ 2, 1 }, forever) end
local ok, message = pcall(forever) print(ok, (tostring(message):gsub("^.-:%d+: ", "")))
-- Hooks set inside.
local lines = 0
t = shuffled(10)
table.sort(t, function(a, b)
  if lines == 0 then debug.sethook(function() lines = lines + 1 end, "l") end
  return a < b
end)
debug.sethook() print(lines > 5, t[1] <= t[10])
print(debug.traceback("here"):match("^here") ~= nil)
local trace
pcall(table.sort, { 2, 1 }, function(a, b) trace = debug.traceback("inside") return a < b end)
print((trace:gsub("%s+", " ")))
-- Replacements.
local function up(c) return c:upper() end
for _ = 1, 20 do assert(("hello"):gsub("l+", up) == "heLLo") end
print(("a b c"):gsub("%w", function() end), ("a b c"):gsub("%w", function() return false end), ("a b"):gsub("%w", function(c) return c, 1, 2 end))
print(pcall(string.gsub, "a", "%w", function() return {} end), pcall(string.gsub, "a", "%w", function() error("in gsub", 0) end))
print(("abc"):gsub("", function() return "-" end), ("x=1,y=2"):gsub("(%w)=(%w)", function(k, v) return v .. "=" .. k end))
print(("abc"):gsub("%w", function(c) return (c:gsub(".", function(d) return d .. d end)) end), ("12"):gsub("%d", function(d) return d + 1 end))
