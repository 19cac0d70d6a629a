local function check(x) if not x then error("bad call", 2) end end
local function caller()
  check(true)
  check(false)
end
caller()
