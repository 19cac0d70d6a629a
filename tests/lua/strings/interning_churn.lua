-- Short strings made and dropped in great numbers: the same text is the same string, whatever was collected in between.
local keep, seen = {}, 0
for round = 1, 6 do
  for i = 1, 6000 do
    local s = "s" .. i * round .. ("-"):rep(i % 30)
    if i % 50 == 0 then keep[s] = (keep[s] or 0) + 1 seen = seen + 1 end
  end
  if round % 2 == 0 then collectgarbage() else collectgarbage("step", 100) end
  local sum = 0
  for i = 1, 6000 do
    if i % 50 == 0 then sum = sum + (keep["s" .. i * round .. ("-"):rep(i % 30)] or -1000) end
  end
  print(round, seen, sum)
end
collectgarbage("generational")
for round = 1, 4 do
  local list = {}
  for i = 1, 5000 do list[i] = ("%d:%d"):format(i, round) end
  for i = 1, 5000 do assert(list[i] == i .. ":" .. round) end
end
collectgarbage("incremental")
-- Every length, and texts that differ in one byte, zeros included.
for len = 0, 48 do
  local base = ("\0"):rep(len)
  local t = { [base] = "all" }
  for i = 1, len do
    local s = base:sub(1, i - 1) .. "\1" .. base:sub(i + 1)
    assert(t[s] == nil) t[s] = i
  end
  for i = 1, len do assert(t[base:sub(1, i - 1) .. "\1" .. base:sub(i + 1)] == i) end
  assert(t[base] == "all" and t[base .. "\0"] == nil)
end
-- Order.
local words = { "", "\0", "\0\0", "a", "a\0", "ab", "b", "abcdefgh", "abcdefgh\0", "abcdefghi", "abcdefg", "abcdefgi", "\255", "\127", "\128", ("x"):rep(60), ("x"):rep(61) }
local function less(a, b) return a < b end
for _, a in ipairs(words) do
  local row = {}
  for i, b in ipairs(words) do row[i] = less(a, b) and "<" or a == b and "=" or (a <= b) and "?" or ">" end
  print(table.concat(row))
end
