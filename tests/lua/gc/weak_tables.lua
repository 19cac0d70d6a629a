-- Weak keys, weak values, both; strings and numbers are not collected; resurrection by finalizers.
local wk, wv, wkv = setmetatable({}, { __mode = "k" }), setmetatable({}, { __mode = "v" }), setmetatable({}, { __mode = "kv" })
local keep = {}
for i = 1, 10 do
  local o = {}
  if i % 2 == 0 then keep[#keep + 1] = o end
  wk[o] = i wv[i] = o wkv[o] = o
end
wk["string"] = {} wv["string"] = "a string value" wv[100] = 42 wv[101] = true wkv[1] = 2
collectgarbage() collectgarbage()
local function count(t) local n = 0 for _ in pairs(t) do n = n + 1 end return n end
print(count(wk), count(wv), count(wkv), #keep)
print(wv["string"], wv[100], wv[101], wkv[1], type(wk["string"]))
for i = 1, 10 do io.write(tostring(wv[i] ~= nil), " ") end print()
keep = nil
collectgarbage() collectgarbage()
print(count(wk), count(wv), count(wkv))
local v = setmetatable({}, { __mode = "v" })
v[1], v[2], v[3] = {}, "kept", function() return v end
collectgarbage()
print(v[1], v[2], type(v[3]))
local mt = {}
local late = setmetatable({}, mt)
late[1] = {}
mt.__mode = "v"
collectgarbage() collectgarbage()
print(late[1] == nil)
-- A key that only its own value refers to.
local cyc = setmetatable({}, { __mode = "k" })
do local k = {} cyc[k] = { k } end
collectgarbage() collectgarbage()
print(next(cyc))
