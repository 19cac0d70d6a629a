local obj = { name = "o" }
local function use(o)
  o:foo(1)
end
use(obj)
