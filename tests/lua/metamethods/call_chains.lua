-- Chains of __call of every length around the number that is followed at once: order of the arguments, ends that cannot be called.
local function chain(n, last)
  local f = last
  for i = 1, n do f = setmetatable({ name = i }, { __call = f }) end
  return f
end
local function names(...)
  local out = {}
  for i = 1, select("#", ...) do
    local v = select(i, ...)
    out[i] = type(v) == "table" and v.name or tostring(v)
  end
  return table.concat(out, ",")
end

for _, n in ipairs { 0, 1, 2, 3, 15, 16, 17, 31, 32, 33, 48, 100, 150 } do
  local f = chain(n, names)
  print(n, f("a", nil, "b"))
  print(n, (function(...) return f(...) end)(1, 2))
  print(n, pcall(f, "p"))
  print(n, select("#", chain(n, table.pack)().n, chain(n, table.pack)().n), chain(n, table.pack)().n)
  print(n, coroutine.wrap(function(...) return f(...) end)("c"))
  for _, last in ipairs { 5, "text", {} } do
    local g = chain(n, last)
    local ok, message = pcall(function() return (g(1)) end)
    print(n, type(last), ok, message)
    ok, message = pcall(function() return g(1) end)
    print(n, type(last), ok, message)
  end
end

-- Strings can be called when their metatable says so.
local strings = getmetatable("")
strings.__call = function(s, ...) return s .. names(...) end
print(chain(20, "end:")("x"))
print(("abc")(1, 2))
strings.__call = nil
