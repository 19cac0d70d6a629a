-- Options and their results that do not depend on sizes.
print(collectgarbage(), collectgarbage("collect"), type(collectgarbage("count")), math.type(collectgarbage("count")))
print(collectgarbage("isrunning"), collectgarbage("stop"), collectgarbage("isrunning"), collectgarbage("restart"), collectgarbage("isrunning"))
print(collectgarbage("incremental"), collectgarbage("generational"), collectgarbage("incremental"), collectgarbage("incremental", 100, 200, 10))
print(type(collectgarbage("step")), type(collectgarbage("step", 100)))
print(collectgarbage("setpause", 150), collectgarbage("setpause", 200), collectgarbage("setstepmul", 300) ~= nil, collectgarbage("setstepmul", 100))
print(pcall(collectgarbage, "nonsense"))
print(pcall(collectgarbage, 5))
collectgarbage("stop")
local before = collectgarbage("count")
local t = {} for i = 1, 10000 do t[i] = { i } end t = nil
local grown = collectgarbage("count")
collectgarbage()
print(grown > before, collectgarbage("count") < grown)
collectgarbage("restart")
collectgarbage("generational")
local live = {}
for i = 1, 200000 do local o = { i } if i % 1000 == 0 then live[#live + 1] = o end end
print(#live, live[1][1], live[200][1], collectgarbage("count") < 50000)
print(collectgarbage("incremental"))
local done = false
setmetatable({}, { __gc = function() print(collectgarbage()) done = true end })
collectgarbage()
print(done)
