-- Objects stored by their finalizer come back; a new metatable call makes them finalisable again; weak table clearing.
local saved, runs = nil, 0
local mt
mt = { __gc = function(o) runs = runs + 1 saved = o end }
do setmetatable({ data = "payload" }, mt) end
collectgarbage()
print(runs, saved.data)
saved = nil
collectgarbage()
print(runs, saved)
do setmetatable({ data = "again" }, { __gc = function(o) runs = runs + 1 if runs < 5 then setmetatable(o, getmetatable(o)) end end }) end
for _ = 1, 6 do collectgarbage() end
print(runs)
-- Weak values are cleared before finalizers run, weak keys after.
local wv, wk = setmetatable({}, { __mode = "v" }), setmetatable({}, { __mode = "k" })
do
  local o = setmetatable({}, { __gc = function(o) print("finalizer sees", wv[1], wk[o]) end })
  wv[1], wk[o] = o, "still a key"
end
collectgarbage()
print(next(wv), next(wk) == nil)
collectgarbage()
print(next(wk))
