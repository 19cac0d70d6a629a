-- Ephemeron chains: values that keep other keys alive, cycles between tables, long chains.
local e = setmetatable({}, { __mode = "k" })
local root = {}
local k = root
for i = 1, 100 do local nk = { i } e[k] = nk k = nk end
collectgarbage()
local n, x = 0, root
while e[x] do x = e[x] n = n + 1 end
print(n, x[1])
root, k, x = nil, nil, nil
collectgarbage() collectgarbage()
print(next(e))
local a, b = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "k" })
do local k1, k2 = {}, {} a[k1] = k2 b[k2] = k1 end
collectgarbage() collectgarbage()
print(next(a), next(b))
local held = {}
do local k1, k2 = {}, {} held.k1 = k1 a[k1] = k2 b[k2] = "reached through a" end
collectgarbage()
print(b[a[held.k1]])
held.k1 = nil
collectgarbage() collectgarbage()
print(next(a), next(b))
-- A memo table keyed by functions whose values close over the key.
local memo = setmetatable({}, { __mode = "k" })
for i = 1, 50 do local f f = function() return f, i end memo[f] = f end
collectgarbage() collectgarbage()
print(next(memo))
