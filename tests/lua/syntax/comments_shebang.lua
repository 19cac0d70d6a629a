#!/usr/bin/env lua5.4 -- the first line may start with a hash
-- Comments in odd places.
local --[[ between ]] x --[=[ tokens ]=] = --
1
print(x) --[[]] print(2) --[[
]] print(3)
----[[ still a line comment
print(4) ---]]
print(load("# not first line\nreturn 1") == nil)
print(load("\n# second line"))
--
