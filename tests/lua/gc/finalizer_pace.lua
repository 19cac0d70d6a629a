-- A finalizer that was called makes no collection due: there are as many cycles with an object that is finalized again and again as without.
local function cycles(finalized)
  local weak, n = setmetatable({ {} }, { __mode = "v" }), 0
  if finalized then
    local mt = {}
    mt.__gc = function() setmetatable({}, mt) end
    setmetatable({}, mt)
  end
  local keep = {}
  for i = 1, 200000 do
    keep[i % 20000] = { i }
    if not weak[1] then
      n = n + 1
      weak[1] = {}
    end
  end
  return n
end

collectgarbage()
local without = cycles(false)
collectgarbage()
local with = cycles(true)
print(without > 0, with > 0, with <= 2 * without + 4)
