-- A small JSON encoder and decoder.
--   encode(value, indent)   objects have their keys sorted, so that output is always the same
--   decode(text)            nil and a message on malformed text
--   null                    stands for JSON's null, which a table could not hold
--   array(t)                marks a table as an array, so that an empty one is written [] and not {}

local json = {}

json.null = setmetatable({}, { __tostring = function() return "null" end, __name = "json.null" })

local Array = { __name = "json.array" }

function json.array(t) return setmetatable(t or {}, Array) end

local function is_array(t)
  if getmetatable(t) == Array then return true end
  return #t > 0 and next(t, #t) == nil
end

-- Encoding -------------------------------------------------------------------

local escapes = {
  ['"'] = '\\"', ["\\"] = "\\\\", ["\b"] = "\\b", ["\f"] = "\\f", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t",
}

local function quote(s)
  return '"' .. s:gsub('[%c"\\]', function(c)
    return escapes[c] or string.format("\\u%04x", c:byte())
  end) .. '"'
end

local encode_value

local function encode_list(items, open, close, indent, level)
  if #items == 0 then return open .. close end
  if not indent then return open .. table.concat(items, ",") .. close end
  local pad = indent:rep(level + 1)
  return open .. "\n" .. pad .. table.concat(items, ",\n" .. pad) .. "\n" .. indent:rep(level) .. close
end

local function encode_table(t, indent, level)
  local items = {}
  if is_array(t) then
    for i, v in ipairs(t) do items[i] = encode_value(v, indent, level + 1) end
    return encode_list(items, "[", "]", indent, level)
  end
  local keys = {}
  for k in pairs(t) do
    if type(k) ~= "string" then error("an object's key must be a string, not " .. type(k)) end
    keys[#keys + 1] = k
  end
  table.sort(keys)
  for i, k in ipairs(keys) do
    items[i] = quote(k) .. (indent and ": " or ":") .. encode_value(t[k], indent, level + 1)
  end
  return encode_list(items, "{", "}", indent, level)
end

function encode_value(v, indent, level)
  local t = type(v)
  if v == json.null then return "null" end
  if t == "string" then return quote(v) end
  if t == "boolean" then return tostring(v) end
  if t == "table" then return encode_table(v, indent, level) end
  if t == "number" then
    if v ~= v or v == math.huge or v == -math.huge then error("JSON has no " .. v) end
    return math.type(v) == "integer" and tostring(v) or (string.format("%.17g", v):gsub("^(-?%d+)$", "%1.0"))
  end
  error("cannot encode a " .. t)
end

function json.encode(value, indent) return encode_value(value, indent, 0) end

-- Decoding -------------------------------------------------------------------

local function fail(text, at, message)
  local line = select(2, text:sub(1, at - 1):gsub("\n", "")) + 1
  error({ message = string.format("line %d: %s", line, message) }, 0)
end

local function skip(text, at) return text:match("^[ \t\r\n]*()", at) end

local unescapes = { b = "\b", f = "\f", n = "\n", r = "\r", t = "\t", ['"'] = '"', ["\\"] = "\\", ["/"] = "/" }

-- Decodes \uXXXX at `at`, joining surrogate pairs.
local function decode_unicode(text, at)
  local hex = text:match("^\\u(%x%x%x%x)", at)
  if not hex then fail(text, at, "malformed \\u escape") end
  local code = tonumber(hex, 16)
  if code >= 0xD800 and code < 0xDC00 then
    local low = tonumber(text:match("^\\u(%x%x%x%x)", at + 6) or "", 16)
    if low and low >= 0xDC00 and low < 0xE000 then
      return utf8.char(0x10000 + ((code & 0x3FF) << 10 | low & 0x3FF)), at + 12
    end
  end
  return utf8.char(code), at + 6
end

local function decode_string(text, at)
  local parts, from = {}, at + 1
  while true do
    local stop = text:find('["\\%c]', from)
    if not stop then fail(text, at, "unfinished string") end
    parts[#parts + 1] = text:sub(from, stop - 1)
    local c = text:sub(stop, stop)
    if c == '"' then return table.concat(parts), stop + 1 end
    if c ~= "\\" then fail(text, stop, "control character in a string") end
    local kind = text:sub(stop + 1, stop + 1)
    if kind == "u" then
      parts[#parts + 1], from = decode_unicode(text, stop)
    else
      parts[#parts + 1] = unescapes[kind] or fail(text, stop, "unknown escape \\" .. kind)
      from = stop + 2
    end
  end
end

local decode_value

local function decode_array(text, at)
  local array = json.array()
  at = skip(text, at + 1)
  if text:sub(at, at) == "]" then return array, at + 1 end
  while true do
    array[#array + 1], at = decode_value(text, at)
    local mark
    mark, at = text:match("^[ \t\r\n]*([,%]])()", at)
    if mark == "]" then return array, at end
    if not mark then fail(text, #text, "',' or ']' expected in an array") end
  end
end

local function decode_object(text, at)
  local object, key = {}, nil
  at = skip(text, at + 1)
  if text:sub(at, at) == "}" then return object, at + 1 end
  while true do
    at = skip(text, at)
    if text:sub(at, at) ~= '"' then fail(text, at, "a key in quotes expected") end
    key, at = decode_string(text, at)
    local value_at = text:match("^[ \t\r\n]*:()", at)
    if not value_at then fail(text, at, "':' expected after a key") end
    object[key], at = decode_value(text, value_at)
    local mark, next_at = text:match("^[ \t\r\n]*([,}])()", at)
    if mark == "}" then return object, next_at end
    if not mark then fail(text, at, "',' or '}' expected in an object") end
    at = next_at
  end
end

local literals = { ["true"] = true, ["false"] = false, null = json.null }

function decode_value(text, at)
  at = skip(text, at)
  local c = text:sub(at, at)
  if c == "{" then return decode_object(text, at) end
  if c == "[" then return decode_array(text, at) end
  if c == '"' then return decode_string(text, at) end
  local word = text:match("^%a+", at)
  if word and literals[word] ~= nil then return literals[word], at + #word end
  local number = text:match("^-?%d+%.?%d*[eE]?[+-]?%d*", at)
  local value = number and tonumber(number)
  if value then return value, at + #number end
  fail(text, at, c == "" and "unexpected end" or "unexpected '" .. c .. "'")
end

function json.decode(text)
  local ok, value, at = pcall(decode_value, text, 1)
  if ok and skip(text, at) <= #text then
    ok, value = pcall(fail, text, at, "unexpected text after the value")
  end
  if ok then return value end
  if type(value) == "table" then return nil, value.message end
  error(value, 0)
end

return json
