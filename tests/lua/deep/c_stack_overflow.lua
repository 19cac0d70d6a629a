-- Recursion through C functions: pcall, metamethods, gsub callbacks, sort, tostring, load, require.
local function has(m, ...) m = tostring(m) for _, w in ipairs { ... } do if m:find(w, 1, true) then return w end end return "other: " .. m:sub(1, 80) end
local function try(name, f, ...) local ok, m = pcall(f, ...) print(name, ok, has(m, "C stack overflow", "stack overflow")) end
local viagsub
viagsub = function(s) return (s:gsub(".", viagsub)) end
try("gsub", viagsub, "a")
local function viasort() table.sort({ 1, 2 }, function(a, b) viasort() return a < b end) end
try("sort", viasort)
local mt = {} mt.__tostring = function(o) return tostring(o) end
try("tostring", tostring, setmetatable({}, mt))
local c = setmetatable({}, { __concat = function(a, b) return a .. b end })
try("concat", function() return c .. "x" end)
local e = setmetatable({}, { __eq = function(a, b) return a == b end })
try("eq", function() return e == setmetatable({}, getmetatable(e)) end)
local l = setmetatable({}, { __lt = function(a, b) return a < b end }) try("lt", function() return l < l end)
local n = setmetatable({}, { __newindex = function(t, k, v) t[k] = v end }) try("newindex", function() n.x = 1 end)
local u = setmetatable({}, { __unm = function(a) return -a end }) try("unm", function() return -u end)
local function viadofile() return load(function() viadofile() return nil end) end print("load reader", has(select(2, pcall(function() local f, m = viadofile() error(m or "no error", 0) end)), "no error", "C stack overflow", "stack overflow"))
local function viawrap() return coroutine.wrap(viawrap)() end try("wrap", viawrap)
local function viaresume() local ok, m = coroutine.resume(coroutine.create(viaresume)) if not ok then error(m, 0) end end try("resume", viaresume)
local depth = 0
local function viapcall() depth = depth + 1 local ok, m = pcall(viapcall) if not ok then error(m, 0) end end try("pcall", viapcall) print(depth > 100)
print("usable afterwards", ("abc"):gsub("b", string.upper))
