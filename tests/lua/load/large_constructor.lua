-- Constructors with more elements, constants and instructions than operands hold, as generated data has them.
local function generated(n, item)
  local parts = {}
  for i = 1, n do parts[i] = item(i) end
  return load("local x = 'x'\nreturn {" .. table.concat(parts, ", ") .. "}")
end

local n = 66000
local kinds = {
  { "integers", function(i) return tostring(i * 3 - 7) end },
  { "floats", function(i) return ("%.1f"):format(i / 2) end },
  { "negative", function(i) return ("-%.1f"):format(i / 2) end },
  { "mixed", function(i) return ({ "nil", "true", "'s" .. i % 100 .. "'", i .. ".25", "x", "false" })[i % 6 + 1] end },
  { "keyed", function(i) return i % 2 == 0 and "a" .. i .. " = " .. i or "'e" .. i .. "'" end },
}
for _, kind in ipairs(kinds) do
  local t = assert(generated(n, kind[2]))()
  local sum, count = 0, 0
  for k, v in pairs(t) do
    count = count + 1
    local w = type(v) == "number" and v or type(v) == "string" and #v or v and 5 or 9
    sum = (sum + w * (math.type(k) == "integer" and k or #k)) % 1000003
  end
  print(kind[1], count, sum, t[1], t[255], t[256], t[65535], t[65536], t[65999])
  if kind[1] ~= "mixed" then
    t[#t + 1] = "end"
    print(t[#t], #t)
  end
end
-- The same constants again in an inner function, and numbers that are equal but not the same.
print(load("local a = {1, 1.0, -0.0, 0.0, 0, '1'} return function() return 1, 1.0, -0.0, 0.0, 0, '1', a[2], a[3] end")()())
