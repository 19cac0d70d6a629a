-- Counts words of a generated text in a table with string keys, then ranks them.
local N = tonumber(arg[1] or 220)

local seed = 9
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968)
end

local syllables = { "ka", "lo", "mi", "ne", "tu", "ra", "so", "vi", "pe", "du" }
local function word()
  local w = ""
  for _ = 0, random(3) do w = w .. syllables[1 + random(10)] end
  return w
end

local total, h = 0, 0
for _ = 1, N do
  local text = {}
  for i = 1, 5000 do text[i] = word() end
  local counts = {}
  for w in table.concat(text, " "):gmatch("%a+") do
    counts[w] = (counts[w] or 0) + 1
  end
  local ranked = {}
  for w, c in pairs(counts) do ranked[#ranked + 1] = { word = w, count = c } end
  table.sort(ranked, function(a, b)
    if a.count ~= b.count then return a.count > b.count end
    return a.word < b.word
  end)
  total = total + #ranked
  for i = 1, 20 do
    local r = ranked[i]
    h = (h * 31 + r.count * 7 + r.word:byte(-1) + #r.word) % 1000003
  end
end
print(string.format("wordcount %d %d", total, h))
