local function inner() return undefinedtable.field end
local function outer() local r = inner() return r end
outer()
