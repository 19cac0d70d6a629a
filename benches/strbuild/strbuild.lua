-- Builds strings three ways: piecewise `..`, table.concat, and reversal/upper/sub over the result.
local N = tonumber(arg[1] or 500)

local function hash(s, h)
  for i = 1, #s, 7 do h = (h * 31 + s:byte(i)) % 1000003 end
  return h
end

local function build(round)
  -- A short string grown by concatenation, restarted when it is 200 bytes long.
  local parts, n, line = {}, 0, ""
  for i = 1, 4000 do
    line = line .. string.char(97 + (i * round) % 26) .. i
    if #line > 200 then
      n = n + 1
      parts[n] = line
      line = ""
    end
  end
  local text = table.concat(parts, "\n")
  local up = text:sub(1, 5000):upper():reverse()
  return text .. "|" .. up
end

local h, bytes = 7, 0
for round = 1, N do
  local s = build(round)
  bytes = bytes + #s
  h = hash(s, h)
end
print(string.format("strbuild %d %d", bytes, h))
