-- A JSON round trip: decodes a document, changes it, encodes it, and shows what malformed text says.
--   lua json.lua [FILE]        re-indents FILE instead

package.path = (arg[0]:match("^(.*)/[^/]*$") or ".") .. "/?.lua;" .. package.path
local json = require "codec.json"

if arg[1] then
  local file <close> = assert(io.open(arg[1]))
  print(json.encode(assert(json.decode(file:read("a"))), "  "))
  return
end

local document = [[
{
  "name": "Trinity",
  "tags": ["compiler", "Lua", "x86-64"],
  "numbers": [0, -1, 9007199254740993, 3.5, 1e-3, 2E10],
  "empty": {"object": {}, "array": [], "string": ""},
  "escapes": "tab\tquote\"slash\/ back\\slash \u00e9 \ud83d\ude00",
  "truth": true, "lies": false, "nothing": null
}]]

local value = assert(json.decode(document))
print(json.encode(value, "  "))

-- Decoding what was encoded gives the same text again.
local once = json.encode(value)
local twice = json.encode(assert(json.decode(once)))
print("round trip:", once == twice, #once .. " bytes")

-- The values are ordinary Lua ones.
table.sort(value.tags)
value.tags[#value.tags + 1] = "ahead of time"
value.sum = 0
for _, n in ipairs(value.numbers) do value.sum = value.sum + n end
value.numbers, value.empty, value.escapes = nil, nil, nil
print(json.encode(value))

for _, bad in ipairs { '{"a": 1,}', "[1 2]", '"open', '{"a" 1}', "[1, 2", "nul", '["\\x"]', "1 2", "" } do
  print(string.format("%-12s %s", bad, select(2, json.decode(bad))))
end
