-- Library functions that compiled code calls directly: usual arguments often, then every unusual one at the same call.
local big = ("0123456789"):rep(8)

local calls = {
  sub = function(s, i, j) return (s:sub(i, j)) end,
  sub2 = function(s, i) local r = string.sub(s, i) return r end,
  byte = function(s, i) local b = string.byte(s, i) return b end,
  bytes = function(s, i, j) local a, b, c = s:byte(i, j) return a, b, c end,
  char = function(a, b) local s = string.char(a, b) return s end,
  rep = function(s, n) local r = s:rep(n) return r end,
  upper = function(s) local r = s:upper() return r end,
  lower = function(s) local r = s:lower() return r end,
  reverse = function(s) local r = s:reverse() return r end,
  len = function(s) local n = string.len(s) return n end,
  find = function(s, p, i, plain) local a, b = s:find(p, i, plain) return a, b end,
  find1 = function(s, p) local a = string.find(s, p) return a end,
  unpack = function(f, s, i) local a, b = string.unpack(f, s, i) return a, b end,
  unpack1 = function(f, s) local a = string.unpack(f, s) return a end,
  tostring = function(v) local s = tostring(v) return s end,
  tonumber = function(v) local n = tonumber(v) return n end,
  type = function(v) local t = type(v) return t end,
  mathtype = function(v) local t = math.type(v) return t end,
}

local usual = {
  sub = { "hello", 2, 4 }, sub2 = { "hello", 3 }, byte = { "hello", 2 }, bytes = { "hello", 2, 3 },
  char = { 65, 66 }, rep = { "ab", 3 }, upper = { "abc" }, lower = { "ABC" }, reverse = { "abc" }, len = { "abc" },
  find = { "hello world", "o w", 1, false }, find1 = { "hello", "l+" }, unpack = { ">I4", "\0\1\2\3\4\5\6\7", 2 },
  unpack1 = { "<I2", "ab" }, tostring = { 42 }, tonumber = { "42" }, type = { 1 }, mathtype = { 1 },
}

local nan = 0 / 0
local values = {
  "", "x", "hello", big, " 12 ", "0x1F", "1e3", 0, 1, 2, 3, 5, 6, -1, -2, -5, -6, 40, 255, 256, 1.0, 2.5, -0.0, 1e300,
  math.mininteger, math.maxinteger, true, false, {}, print,
}

local function show(v)
  if v ~= v then return "nan" end
  if type(v) == "table" or type(v) == "function" then return type(v) end
  return type(v) == "string" and string.format("%q", v) or tostring(v)
end

local function try(name, ...)
  local r = table.pack(pcall(calls[name], ...))
  local out = {}
  for i = 1, r.n do out[i] = show(r[i]) end
  local text = table.concat(out, " "):gsub("0x%x%x%x+", "address"):gsub("builtin: %x+", "address")
  return text
end

local names = {}
for name in pairs(calls) do names[#names + 1] = name end
table.sort(names)
for _, name in ipairs(names) do
  local u = usual[name]
  for _ = 1, 20 do calls[name](table.unpack(u)) end
  print(name, try(name, table.unpack(u)))
  local h, shown = 0, 0
  for pos = 1, math.max(#u, 1) do
    for k = 0, #values do
      local args = table.pack(table.unpack(u))
      args[pos] = values[k]
      local text = try(name, table.unpack(args, 1, math.max(#u, pos)))
      if not (name == "tostring" and (text:find("table") or text:find("function"))) then print(name, pos, k, text) end
    end
  end
  -- And the usual ones again.
  for _ = 1, 5 do calls[name](table.unpack(u)) end
end

-- Functions that the program replaced.
local function through(s) local r = s:upper() return r end
for _ = 1, 10 do through("abc") end
local upper = string.upper
string.upper = function(s) return "mine " .. s end
print(through("abc"))
string.upper = upper
print(through("abc"))

-- Metamethods of strings and numbers.
local function text(v) local s = tostring(v) return s end
for i = 1, 10 do text(i) end
local mt = getmetatable("")
mt.__tostring = function(s) return "<" .. #s .. ">" end
print(text("abc"), text(5), string.format("%s|%5s", "abc", "d"))
mt.__tostring = nil
debug.setmetatable(1, { __tostring = function(n) return "number" end, __name = "N" })
print(text("abc"), text(5), string.format("%s %d", 5, 5))
debug.setmetatable(1, nil)
print(text("abc"), text(5), text(1.5), text(-0.0), text(1e15), text(2^63), text(nan) == text(nan), text(nil), text(true))
