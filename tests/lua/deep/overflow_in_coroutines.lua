-- Stack overflow inside coroutines is an error of the coroutine only.
local function f() return 1 + f() end
local co = coroutine.create(f)
local ok, m = coroutine.resume(co)
print(ok, m:match("stack overflow"), coroutine.status(co))
local w = coroutine.wrap(function() local ok, m = pcall(f) coroutine.yield(ok, m:match("stack overflow")) return "continued" end)
print(w()) print(w())
for i = 1, 2 do local ok = coroutine.resume(coroutine.create(f)) io.write(tostring(ok), " ") end print()
local deep = coroutine.wrap(function() local function d(n) if n == 0 then coroutine.yield("at the bottom") return 0 end return 1 + d(n - 1) end return d(100000) end)
print(deep(), deep())
local list = {}
for i = 1, 20 do list[i] = coroutine.wrap(function() local function d(n) if n == 0 then coroutine.yield(i) return i end return d(n - 1) + 1 end return d(i * 500) end) list[i]() end
local sum = 0 for i = 1, 20 do sum = sum + list[i]() end print(sum)
local function nested(n) if n == 0 then error("bottom", 0) end local ok, m = coroutine.resume(coroutine.create(nested), n - 1) error(m .. n % 10, 0) end
print(pcall(nested, 50))
