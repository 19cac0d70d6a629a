-- The package library: require and its searchers, results and errors.
local function try(f, ...) print(pcall(f, ...)) end
local function keys(t) local k = {} for n in pairs(t) do k[#k + 1] = tostring(n) end table.sort(k) print(table.concat(k, " ")) end
keys(package) keys(package.loaded) print(#package.searchers, package.config, package.loaded == debug.getregistry()._LOADED, package.preload == debug.getregistry()._PRELOAD)
package.path = "./modules/?.lua;./modules/?/init.lua"
local m, f = require "m1" print(m.name, m.n, m.two, f) print(require "m1" == m, select("#", require "m1"), select(2, require "m1"))
print(require "sub.a".b, require "sub", require "sub.deep")
print(require "retfalse") print(package.loaded.retfalse) print(require "retfalse") print(require "retnil") print(require "setl")
try(require, "bad") try(require, "err") try(require, "nomod") try(require, "no.mod") try(require) try(require, {}) try(require, 12) try(require, "") try(require, "a\0b")
package.preload.pre = function(...) print("pre", ...) return "preval" end print(require "pre") package.preload.pre2 = "notfn" try(require, "pre2") package.preload.pre2 = nil
try(require, "cyc1")
-- searchers
local s = package.searchers table.insert(s, 1, function(n) print("searcher", n) return n == "custom" and function(...) print("loader", ...) return "customval" end or "\n\tno custom '" .. n .. "'", "extra" end)
print(require "custom") try(require, "nomod2") table.remove(s, 1)
table.insert(s, function(n) return nil end) table.insert(s, function(n) return 12 end) table.insert(s, function(n) return false end) table.insert(s, function() end) try(require, "nomod3") for i = 1, 4 do table.remove(s) end
table.insert(s, function(n) error("searcher error") end) try(require, "nomod4") table.remove(s) table.insert(s, function(n) error({}) end) print(type(select(2, pcall(require, "nomod5")))) table.remove(s)
table.insert(s, function(n) return load("return ...", "=x"), nil end) print(require "fallback") table.remove(s) table.insert(s, function(n) return print end) print(require "fallback2") table.remove(s)
for i = 1, 4 do print(i, s[i]("nomod")) end print(s[1]("string")) print(select(2, s[2]("m1"))) print(s[4]("sub.x")) print(s[4]("x")) try(s[2]) try(s[1], {}) try(s[2], "bad")
package.searchers = nil try(require, "x1") package.searchers = 1 try(require, "x1") package.searchers = {} try(require, "x1") package.searchers = s
local p, cp = package.path, package.cpath
package.path = nil try(require, "x2") package.path = 12 try(require, "x2") package.path = {} try(require, "x2") package.path = "" try(require, "x2") package.path = ";;" try(require, "x2") package.path = "?;a?b?;" try(require, "x2.y") package.path = p
package.cpath = nil try(require, "x3") package.cpath = "" try(require, "x3") package.cpath = cp
local old = package.loaded package.loaded = {} print(require "m1" == m) package.loaded = old package.preload = {x4 = print} try(require, "x4")
package.loaded.m1 = nil print(require "m1" ~= m) package.loaded.m1 = false print(type(require "m1")) 
-- searchpath
print(package.searchpath("m1", package.path)) print(package.searchpath("sub.b", package.path)) print(package.searchpath("sub.b", "./modules/?.lua", "")) print(package.searchpath("sub-b", "./modules/?.lua", "-")) print(package.searchpath("sub.b", "./modules/?.lua", ".", "-")) print(package.searchpath("a", "")) print(package.searchpath("a", "?;;?x")) print(package.searchpath("a.b", "?", "b")) print(package.searchpath("a.b.c", "?", ".", "xx")) try(package.searchpath) try(package.searchpath, "a") try(package.searchpath, "a", {}) print(package.searchpath("sub", "./modules/?")) print(package.searchpath("x..y", "?", "..")) print(package.searchpath("a", "p?q?r"))
try(package.loadlib) try(package.loadlib, "a") print(package.loadlib("./nonexist.so", "f")) print(package.loadlib("nonexist", "*"))
print(coroutine.resume(coroutine.create(function() return require "yld" end)))
print(pcall(dofile, "modules/bad.lua")) print(dofile("modules/m1.lua").n) print(coroutine.wrap(function() return dofile("modules/yld.lua") end)())
-- warnings
warn("@on") warn("a", "b", "c") warn("@unknown") warn("x", "@off") warn("y") warn("@off", "z") warn("w") warn("@off") warn("hidden") warn("@on", "") warn("hidden?") warn("@", "on") warn("hidden2") warn("@on") warn("") warn("a\0b") warn(12, 1.5)
try(warn) try(warn, nil) try(warn, {}, "x") try(warn, "x", {}) 
setmetatable({}, {__gc = function() error("gc error") end}) collectgarbage() setmetatable({}, {__gc = function() error({}) end}) collectgarbage() setmetatable({}, {__gc = true}) collectgarbage() setmetatable({}, {__gc = function() error(setmetatable({}, {__tostring = function() return "ts" end})) end}) collectgarbage() setmetatable({}, {__gc = function() print(pcall(collectgarbage)) print(collectgarbage("count"), collectgarbage("step"), collectgarbage("isrunning")) end}) collectgarbage()
