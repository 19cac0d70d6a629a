-- A hand-written JSON encoder and decoder (no patterns in the hot path but for numbers), round trips.
local N = tonumber(arg[1] or 180)

local byte, sub, find, char, format, concat = string.byte, string.sub, string.find, string.char, string.format, table.concat

local encode
local escapes = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t" }

local function quote(s) return '"' .. s:gsub('["\\\n\t]', escapes) .. '"' end

function encode(v, out)
  local t = type(v)
  if t == "table" then
    if v.keys then -- an object: keys in order beside their values
      out[#out + 1] = "{"
      for i, k in ipairs(v.keys) do
        if i > 1 then out[#out + 1] = "," end
        out[#out + 1] = quote(k)
        out[#out + 1] = ":"
        encode(v.values[k], out)
      end
      out[#out + 1] = "}"
    else
      out[#out + 1] = "["
      for i = 1, #v do
        if i > 1 then out[#out + 1] = "," end
        encode(v[i], out)
      end
      out[#out + 1] = "]"
    end
  elseif t == "string" then
    out[#out + 1] = quote(v)
  elseif t == "number" then
    out[#out + 1] = v % 1 == 0 and format("%d", v) or format("%.3f", v)
  else
    out[#out + 1] = tostring(v)
  end
end

local value

local function space(s, i)
  local c = byte(s, i)
  while c == 32 or c == 10 or c == 9 or c == 13 do
    i = i + 1
    c = byte(s, i)
  end
  return i, c
end

local unescape = { ["n"] = "\n", ["t"] = "\t", ['"'] = '"', ["\\"] = "\\" }

local function text(s, i) -- i is behind the opening quote
  local parts, n, from = nil, 0, i
  while true do
    local c = byte(s, i)
    if c == 34 then
      local tail = sub(s, from, i - 1)
      if not parts then return tail, i + 1 end
      parts[n + 1] = tail
      return concat(parts), i + 1
    elseif c == 92 then
      parts = parts or {}
      parts[n + 1] = sub(s, from, i - 1)
      parts[n + 2] = unescape[sub(s, i + 1, i + 1)]
      n = n + 2
      i = i + 2
      from = i
    elseif not c then
      error("unfinished string")
    else
      i = i + 1
    end
  end
end

function value(s, i)
  local c
  i, c = space(s, i)
  if c == 123 then
    local keys, values = {}, {}
    i, c = space(s, i + 1)
    while c ~= 125 do
      local k, v
      k, i = text(s, i + 1)
      i = space(s, i)
      v, i = value(s, i + 1)
      keys[#keys + 1], values[k] = k, v
      i, c = space(s, i)
      if c == 44 then i, c = space(s, i + 1) end
    end
    return { keys = keys, values = values }, i + 1
  elseif c == 91 then
    local list, n = {}, 0
    i, c = space(s, i + 1)
    while c ~= 93 do
      n = n + 1
      list[n], i = value(s, i)
      i, c = space(s, i)
      if c == 44 then i, c = space(s, i + 1) end
    end
    return list, i + 1
  elseif c == 34 then
    return text(s, i + 1)
  elseif c == 116 then
    return true, i + 4
  elseif c == 102 then
    return false, i + 5
  end
  local from, to = find(s, "^-?%d+%.?%d*", i)
  return tonumber(sub(s, from, to)), to + 1
end

local seed = 3
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968)
end

local function object(...)
  local o = { keys = {}, values = {} }
  for i = 1, select("#", ...), 2 do
    local k, v = select(i, ...)
    o.keys[#o.keys + 1], o.values[k] = k, v
  end
  return o
end

local records = {}
for i = 1, 200 do
  local tags = {}
  for k = 1, 1 + random(4) do tags[k] = "tag" .. random(20) end
  records[i] = object("id", i, "name", 'user "' .. random(1000) .. '"\n', "score", random(100000) / 8 + 0.125,
    "active", random(2) == 1, "tags", tags, "place", object("x", random(500) - 250, "y", random(500) - 250))
end

local h, size = 0, 0
local data = records
for _ = 1, N do
  local out = {}
  encode(data, out)
  local s = concat(out)
  size = size + #s
  for i = 1, #s, 17 do h = (h * 31 + byte(s, i)) % 1000003 end
  data = value(s, 1)
  local first = table.remove(data, 1) -- rotate, so that every round differs
  data[#data + 1] = first
end
print(format("json %d %d", size, h))
