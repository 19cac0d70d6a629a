-- Concatenation of short pieces: lengths around 16 and 40, zeros, numbers, empty strings; results are the same strings however they are made.
local pool = { [""] = "" }
local function check(s, want)
  if s ~= want or #s ~= #want then error(("%q is not %q"):format(s, want)) end
  local t = { [s] = true }
  assert(t[want] and rawequal(s, want) == (s == want))
  return s
end
local alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
for la = 0, 45 do
  for lb = 0, 20 do
    local a, b = alphabet:sub(1, la), alphabet:sub(52 - lb, 51)
    check(a .. b, table.concat { a, b })
    check(a .. b .. a, table.concat { a, b, a })
  end
end
for la = 0, 18 do
  for lb = 0, 18 do
    local a, b = ("\0"):rep(la), ("\0x"):rep(lb)
    check(a .. b, table.concat { a, b })
    check(b .. a, table.concat { b, a })
    check(a .. "" .. b .. "", table.concat { a, b })
  end
end
local zeros = {}
for n = 0, 40 do zeros[("\0"):rep(n)] = n end
for n = 0, 40 do assert(zeros[("\0"):rep(n // 2) .. ("\0"):rep(n - n // 2)] == n) end

local numbers = {
  0, 1, 9, 10, 99, 100, 12345678, 99999999, 100000000, 123456789012, -1, -99999999, math.maxinteger, math.mininteger,
  0.0, -0.0, 1.5, 1e15, 1e100, -1e-7, 2^53, 1/0, -1/0,
}
for _ = 1, 3 do
  for _, n in ipairs(numbers) do
    check("k" .. n, table.concat { "k", n })
    check(n .. "", tostring(n))
    check(n .. ":" .. n, table.concat { n, ":", n })
    check("sixteen bytes .." .. n, table.concat { "sixteen bytes ..", n })
    check("fifteen bytes ." .. n, table.concat { "fifteen bytes .", n })
  end
end
for i = 0, 20000, 7 do
  if "n" .. i ~= string.format("n%d", i) then error(i) end
end
-- Many pieces.
local x = "xy"
check(x .. x .. x .. x .. x .. x .. x .. x, ("xy"):rep(8))
check(x .. x .. x .. x .. x .. x .. x .. x .. x, ("xy"):rep(9))
check(x .. 1 .. x .. 2 .. x .. 3 .. x, "xy1xy2xy3xy")
check(("a"):rep(39) .. "b", ("a"):rep(39) .. "b")
check(("a"):rep(40) .. "b", ("a"):rep(40) .. "b")
for n = 35, 45 do check(("a"):rep(n) .. 7 .. "z", ("a"):rep(n) .. "7z") end
print(pcall(function() return x .. nil end))
print(pcall(function() return x .. {} .. x end))
print(setmetatable({}, { __concat = function(a, b) return type(a) .. type(b) end }) .. x)
print(x .. setmetatable({}, { __concat = function(a, b) return type(a) .. type(b) end }))
-- Strings that die and come again.
for round = 1, 5 do
  local kept = {}
  for i = 1, 3000 do kept[i % 50 + 1] = "tmp" .. i .. "/" .. round end
  collectgarbage()
  for i = 2951, 3000 do assert(kept[i % 50 + 1] == "tmp" .. i .. "/" .. round) end
end
print("done")
