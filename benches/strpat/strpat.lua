-- Pattern matching over a synthetic log: gmatch with captures, gsub with a function, find, match.
local N = tonumber(arg[1] or 100)

local seed = 42
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968)
end

local levels = { "INFO", "WARN", "ERROR", "DEBUG" }
local lines = {}
for i = 1, 1000 do
  lines[i] = string.format("2024-%02d-%02d %s [worker-%d] key%d=value%d; path=/usr/lib/x%d.so size=%dkB",
    random(12) + 1, random(28) + 1, levels[random(4) + 1], random(16), random(100), random(1000), random(50), random(9000))
end
local text = table.concat(lines, "\n")

local pairs_, errors, kb, h = 0, 0, 0, 0
for round = 1, N do
  for k, v in text:gmatch("(%a+%d*)=([%w/._]+)") do
    pairs_ = pairs_ + 1
    h = (h * 31 + #k * 7 + #v) % 1000003
  end
  for line in text:gmatch("[^\n]+") do
    local y, m, d, level = line:match("^(%d+)%-(%d+)%-(%d+) (%u+)")
    if level == "ERROR" then errors = errors + tonumber(m) * 100 + tonumber(d) end
    local size = line:match("size=(%d+)kB$")
    kb = (kb + tonumber(size) + #y) % 1000003
    if line:find("worker-" .. round % 16 .. "]", 1, true) then h = (h + 1) % 1000003 end
  end
  local changed, count = text:gsub("%[worker%-(%d+)%]", function(n) return "<" .. n .. ">" end)
  local digits = select(2, changed:gsub("%d", "%0"))
  h = (h * 31 + #changed + count + digits) % 1000003
end
print(string.format("strpat %d %d %d %d", pairs_, errors, kb, h))
