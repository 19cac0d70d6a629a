-- Many coroutines alive at once: nanoseconds to create each and resume it to its first yield, to resume each once more in turn, and the
-- memory they take with its page tables.
local N = tonumber(arg[1]) or 100000
local create, resume, yield = coroutine.create, coroutine.resume, coroutine.yield

local function status(key)
  for line in io.lines("/proc/self/status") do
    local kb = line:match("^" .. key .. ":%s*(%d+)")
    if kb then return tonumber(kb) end
  end
end

local function f(x)
  while true do x = yield(x) end
end

collectgarbage()
local rss, pte = status("VmRSS"), status("VmPTE")
local cos = {}
local t = os.clock()
for i = 1, N do
  local co = create(f)
  resume(co, i)
  cos[i] = co
end
print(string.format("alive_create %.1f ns", (os.clock() - t) / N * 1e9))
t = os.clock()
for i = 1, N do resume(cos[i], i) end
print(string.format("alive_resume %.1f ns", (os.clock() - t) / N * 1e9))
print(string.format("alive_rss %.1f MB", (status("VmRSS") - rss) / 1024))
print(string.format("alive_pte %.1f MB", (status("VmPTE") - pte) / 1024))
