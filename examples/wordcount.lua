-- Counts lines, words and letters of a text, and lists its commonest words.
--   lua wordcount.lua [FILE [HOW-MANY]]        without a file: a built-in text

local sample = [[
It was the habit of the clockmaker to wind every clock in the shop before he
drank his tea. There were forty clocks, and no two of them agreed. "The time,"
he used to say, "is what the clocks make of it." One morning the clocks all
stopped at once; and the clockmaker, who had never in his life been late,
drank his tea, wound the clocks again, and wasn't late that morning either.
]]

local function lines_of(path)
  if not path then return sample:gmatch("([^\n]*)\n") end
  local file, message = io.open(path)
  if not file then
    io.stderr:write("wordcount: ", message, "\n")
    os.exit(1)
  end
  return file:lines()
end

local counts, totals = {}, { lines = 0, words = 0, letters = 0 }

for line in lines_of(arg[1]) do
  totals.lines = totals.lines + 1
  -- A word begins with a letter and may hold apostrophes and hyphens inside.
  for word in line:gmatch("%a[%a'-]*") do
    word = word:lower():gsub("['-]+$", "")
    counts[word] = (counts[word] or 0) + 1
    totals.words = totals.words + 1
    totals.letters = totals.letters + select(2, word:gsub("%a", ""))
  end
end

local ranking = {}
for word, count in pairs(counts) do ranking[#ranking + 1] = { word = word, count = count } end
table.sort(ranking, function(a, b)
  if a.count ~= b.count then return a.count > b.count end
  return a.word < b.word
end)

print(string.format("%d lines, %d words, %d letters, %d different words", totals.lines, totals.words, totals.letters, #ranking))
for i = 1, math.min(tonumber(arg[2]) or 10, #ranking) do
  local entry = ranking[i]
  print(string.format("%4d  %-14s %s", entry.count, entry.word, ("#"):rep(entry.count)))
end
