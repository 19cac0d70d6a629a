-- Errors thrown from every depth of mixed calls: Lua, pcall, metamethods, sort, gsub, coroutines, close.
local depth_log = {}
local kinds = {}
function kinds.lua(n, f) return f(n - 1) end
function kinds.pcall(n, f) local ok, e = pcall(f, n - 1) if not ok then error(e, 0) end return e end
function kinds.xpcall(n, f) local ok, e = xpcall(f, function(m) return m end, n - 1) if not ok then error(e, 0) end return e end
function kinds.index(n, f) return setmetatable({}, { __index = function() return f(n - 1) end }).x end
function kinds.add(n, f) return setmetatable({}, { __add = function() return f(n - 1) end }) + 1 end
function kinds.sort(n, f) local r table.sort({ 2, 1 }, function(a, b) r = f(n - 1) return a < b end) return r end
function kinds.gsub(n, f) local r string.gsub("x", "x", function() r = f(n - 1) end) return r end
function kinds.coroutine(n, f) local ok, e = coroutine.resume(coroutine.create(f), n - 1) if not ok then error(e, 0) end return e end
function kinds.close(n, f) local c <close> = setmetatable({}, { __close = function(_, e) depth_log[#depth_log + 1] = e and "e" or "-" end }) return (f(n - 1)) end
function kinds.iter(n, f) for v in function(_, c) if not c then return f(n - 1) end end do return v end end
function kinds.tail(n, f) return f(n - 1) end
function kinds.load(n, f) return load("local f, n = ... return (f(n - 1))")(f, n) end
local order = { "lua", "pcall", "index", "sort", "coroutine", "gsub", "close", "xpcall", "add", "iter", "tail", "load" }
for fail = 0, 1 do
  for depth = 0, 24 do
    local function step(n)
      if n == 0 then if fail == 1 then error("thrown at " .. depth, 0) end return "reached " .. depth end
      return kinds[order[(depth - n) % #order + 1]](n, step)
    end
    local ok, r = pcall(step, depth)
    io.write(tostring(ok), " ", tostring(r), "; ")
  end
  print()
end
print(table.concat(depth_log))
