-- __tostring and __name in the metatable of strings, and of other basic types: print, tostring, %s, luaL_tolstring's callers.
local mt = getmetatable("")
mt.__name = "NAME"
print("a", tostring("a"), ("%s"):format("a"))
mt.__tostring = function(s) return "<" .. s .. ">" end
print("a", tostring("a"), ("%s|%5.2s|%q"):format("a", "abc", "q"))
io.write("a", "\n")
print(("x"):rep(3), #"abc", 1, nil, true)
print(pcall(error, "message"))
print(select(2, pcall(string.rep)))
mt.__tostring = function() return 42 end
print("a", tostring("a"), math.type(tostring("a")))
mt.__tostring = function() return {} end
local function show(ok, e) io.write(ok and "true" or "false", " ", type(e) == "string" and e or type(e), "\n") end
show(pcall(print, "a"))
show(pcall(tostring, "a"))
mt.__tostring = function() error("inside", 0) end
show(pcall(print, "a"))
mt.__tostring = "not a function"
show(pcall(print, "a"))
mt.__tostring = nil
print("plain")

debug.setmetatable(1, { __tostring = function(n) return "number " .. n end })
print(1, 2.5, tostring(3), ("%s %d"):format(4, 5), 6 .. "")
debug.setmetatable(1, { __name = "N" })
print(1, 2.5)
debug.setmetatable(1, nil)
debug.setmetatable(nil, { __tostring = function() return "NIL" end, __name = "x" })
print(nil, tostring(nil), ("%s"):format(nil))
debug.setmetatable(nil, nil)
debug.setmetatable(print, { __name = "FN" })
print((tostring(print):gsub("0x%x+", "ADDR")))
debug.setmetatable(print, nil)
mt.__tostring = function(s) return "E:" .. s end
error("final", 0)
