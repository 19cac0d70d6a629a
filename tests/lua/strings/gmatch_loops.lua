-- The step of gmatch in generic loops: shapes of patterns, captures, anchors, errors, changed upvalues, collections.

local function words(text, pattern, from)
  local out = {}
  for w in text:gmatch(pattern, from) do out[#out + 1] = tostring(w) end
  return #out .. ":" .. table.concat(out, "|")
end

local text = "The quick brown fox, jumps over; the lazy_dog 42 times (and 7.5 more)."
local patterns = {
  "%a+", "%w+", "[^%s]+", "[^,]*", "%d*", ".+", ".*", ".", "%S", "a*", "x*", "", "()", "()%a+()", "(%a)(%a*)",
  "%a+$", "^%a+", "%f[%a]%a+", "%b()", "(%w+)[ ,;]+(%w+)", "%s*(.-)%s*[,;]", "o.-e", "[%w_]+", "[^%w]+", "[a-f]+",
  "%a-", "(%a)%1", "\0*", "%.", "%.+", "T+h?e*", "[]]+", "[^]]+", "(())",
}
for _ = 1, 12 do
  for _, p in ipairs(patterns) do words(text, p) end
end
for _, p in ipairs(patterns) do
  print(p, words(text, p))
  for _, from in ipairs { 1, 5, -5, 0, 70, 71, 72, 1000, -1000 } do io.write(words(text, p, from), " ") end
  print()
end
for _, s in ipairs { "", "a", "\0", "a\0b\0\0c", "   ", ",", ",,", "a,b,,c," } do
  for _, p in ipairs { "%a*", "%a+", "[^,]*", "[^,]+", "\0+", "%z*", "%s+", ".", ".*", "" } do
    io.write((words(s, p):gsub("%z", "0")), " ")
  end
  print()
end

-- More and fewer variables than captures.
for _ = 1, 30 do
  local n = 0
  for a, b, c in ("k=v; x=y"):gmatch("(%w)=(%w)") do n = n + #a + #b + (c and 1 or 0) end
  for a, b in ("k=v; x=y"):gmatch("%w") do n = n + #a + (b and 1 or 0) end
  for a in ("k=v; x=y"):gmatch("(%w)=(%w)") do n = n + #a end
  for p, a in ("k=v; x=y"):gmatch("()(%w)") do n = n + p + #a end
  assert(n == 44 or print(n))
end

-- Short and long results, new and old.
local long = ("abcdefghij"):rep(7)
local seen = {}
for i = 1, 40 do
  for w in (long:sub(1, i) .. " " .. long:sub(1, 70 - i) .. " " .. i):gmatch("%w+") do seen[w] = (seen[w] or 0) + 1 end
end
local keys, sum = {}, 0
for k, n in pairs(seen) do keys[#keys + 1] = k; sum = sum + n end
table.sort(keys)
print(#keys, sum, keys[1], keys[#keys])

-- Errors come when a match is tried, with everything as it was.
local function attempt(s, p)
  local n = 0
  local ok, e = pcall(function()
    for w in s:gmatch(p) do n = n + 1 end
  end)
  return ok, tostring(e):gsub("^[^:]*:", ""), n
end
for _ = 1, 20 do
  attempt("abc", "%a"); attempt("abc", "(%a"); attempt("abc", "%a)"); attempt("abcabc", "b(c"); attempt("a", "[a"); attempt("xx", "x%")
  attempt(("a"):rep(300), ("a?"):rep(300) .. "b"); attempt("xyz", "%2"); attempt("xyz", "(y)%2")
end
print(attempt("abc", "%a"))
print(attempt("abc", "(%a"))
print(attempt("abc", "%a)"))
print(attempt("abcabc", "b(c"))
print(attempt("a", "[a"))
print(attempt("xx", "x%"))
print(attempt(("a"):rep(300), ("a?"):rep(300) .. "b"))
print(attempt("xyz", "%2"))
print(attempt("xyz", "(y)%2"))
print(pcall(string.gmatch, {}, "a"))
print(pcall(string.gmatch, "a"))
print(pcall(function() for w in string.gmatch("a", {}) do end end))

-- The iterator itself: called by hand between steps, kept over loops, given to others.
local it = text:gmatch("%a+")
print(it(), it())
for w in it do
  io.write(w, "<", tostring(it()), "> ")
end
print(it())
print(select("#", it()), select("#", ("a"):gmatch("()(a)")()))
local f = ("1 2 3"):gmatch("%d")
local co = coroutine.wrap(function() for d in f do coroutine.yield(d) end end)
print(co(), f(), co(), co())
for w in it, 1, 2 do print("never", w) end
for w, rest in ("a b"):gmatch("%a"), nil, nil, setmetatable({}, { __close = function() print("closed") end }) do print(w, rest) end

-- Upvalues changed by the debug library.
local g = ("aa bb cc"):gmatch("%a+")
for w in g do
  io.write(w, " ")
  if w == "aa" then debug.setupvalue(g, 1, "zzzzz yy x") end
end
print(g())

-- Collections in the loop.
local big = {}
for i = 1, 3000 do big[i] = "w" .. i * 7919 % 5003 end
local all = table.concat(big, " ")
for round = 1, 4 do
  local counts, n = {}, 0
  for w in all:gmatch("%w+") do
    counts[w] = (counts[w] or 0) + 1
    n = n + #w
    if n % 997 == 0 then collectgarbage("step") end
  end
  local distinct = 0
  for _ in pairs(counts) do distinct = distinct + 1 end
  print(round, n, distinct, counts.w1, counts.w2838)
end
