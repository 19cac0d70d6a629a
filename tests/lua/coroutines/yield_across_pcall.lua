-- Yields inside pcall, xpcall, metamethods, iterators, close, and where they are refused.
local function run(f, ...)
  local co = coroutine.create(f)
  local r = table.pack(coroutine.resume(co, ...))
  while coroutine.status(co) ~= "dead" do
    print("yielded", table.unpack(r, 2, r.n))
    r = table.pack(coroutine.resume(co, "resumed"))
  end
  print("finished", table.unpack(r, 1, r.n))
end
run(function() return pcall(function() return coroutine.yield(1) end) end)
run(function() return pcall(function() coroutine.yield(1) error("e", 0) end) end)
run(function() return pcall(pcall, pcall, function() coroutine.yield "deep" error("x", 0) end) end)
run(function() return xpcall(function(a) return a, coroutine.yield(2) end, debug.traceback, "arg") end)
local mt = {}
for _, n in ipairs { "add", "sub", "mul", "div", "mod", "pow", "idiv", "band", "bor", "bxor", "shl", "shr", "unm", "bnot", "concat", "len", "eq", "lt", "le", "index", "call" } do
  mt["__" .. n] = function() return coroutine.yield(n) end
end
mt.__newindex = function(t, k, v) coroutine.yield("newindex " .. k) end
local o, p = setmetatable({}, mt), setmetatable({}, mt)
run(function() return o + 1, 1 - o, o * p, o / 1, o % 1, o ^ 1, o // 1 end)
run(function() return o & 1, o | 1, o ~ 1, o << 1, o >> 1, -o, ~o, #o end)
run(function() return o == p, o < p, o <= p, o > 1, 1 >= o, o ~= p, not (o < p) end)
run(function() if o < p then return "then" else return "else" end end)
run(function() o.x = 1 o[1] = 2 return o.y, o(5), o .. "s", "a" .. "b" .. o .. "c" end)
run(function() for a in function(_, k) k = (k or 0) + 1 coroutine.yield("iter" .. k) if k < 3 then return k end end do print("body", a) end return "loop done" end)
run(function() local c <close> = setmetatable({}, { __close = function(_, e) coroutine.yield("closing", e) end }) return "r1", "r2" end)
run(function() return pcall(function() local c <close> = setmetatable({}, { __close = function(_, e) coroutine.yield("closing", e) end }) error("err", 0) end) end)
run(function() for i = 1, 2 do local c <close> = setmetatable({}, { __close = function() coroutine.yield("c" .. i) end }) if i == 2 then break end end return "after" end)
run(function() local t = setmetatable({}, { __pairs = function(t) coroutine.yield "pairs" return next, { 9 } end }) for k, v in pairs(t) do print(k, v) end end)
run(function() return select(2, load(function() return nil end)), dofile == nil end)
-- Refused: sort, gsub, table functions with C in between, tostring, load readers.
run(function() return pcall(table.sort, { 3, 2, 1 }, function(a, b) coroutine.yield() return a < b end) end)
run(function() return pcall(string.gsub, "abc", ".", function() coroutine.yield() end) end)
run(function() return pcall(tostring, setmetatable({}, { __tostring = function() coroutine.yield() end })) end)
run(function() return pcall(load, function() coroutine.yield() end) end)
run(function() return pcall(table.concat, setmetatable({}, { __len = function() coroutine.yield() end })) end)
run(function() return pcall(require, "x" .. tostring(coroutine.isyieldable())) == false end)
