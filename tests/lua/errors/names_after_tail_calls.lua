-- How a function was called is told by its own call, whatever was in its stack slot before.
local function leave(n, ...) if n == 0 then return select("#", ...) end return leave(n - 1, n, ...) end
local function use() return leave(5), leave(2, 1, 2, 3), (leave(9)) end
local function iterate(a, b) for k, v in next, a, b do return k end return "none" end
local o = setmetatable({}, { __index = string.rep, __add = math.floor, __call = string.char })
local function index(a) return a.x end
local function add(a) return a + 1 end
local function call(a) local r = a(1) return r end
for n = 1, 12 do
  local function at(k, f, ...) if k == 0 then use() return select(2, pcall(f, ...)) end use() return (at(k - 1, f, ...)) end
  print(n, at(n, iterate, 1), at(n, index, o), at(n, add, o), at(n, call, o))
  print(n, at(n, iterate, nil, {}), at(n, function(a) return -a end, setmetatable({}, { __unm = string.rep })), at(n, function(a) return a < a end, setmetatable({}, { __lt = next })))
end
