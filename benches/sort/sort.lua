-- Sorting: table.sort plain and with a comparator, and a hand-written merge sort.
local N = tonumber(arg[1] or 400000)

local seed = 7
local function random()
  seed = (seed * 1103515 + 12345) % 2147483648
  return seed
end

local function mergesort(a, n)
  local b, width = {}, 1
  for i = 1, n do b[i] = 0 end
  while width < n do
    for lo = 1, n, 2 * width do
      local mid, hi = lo + width, lo + 2 * width
      if mid > n + 1 then mid = n + 1 end
      if hi > n + 1 then hi = n + 1 end
      local i, j = lo, mid
      for k = lo, hi - 1 do
        if i < mid and (j >= hi or a[i] <= a[j]) then
          b[k] = a[i]
          i = i + 1
        else
          b[k] = a[j]
          j = j + 1
        end
      end
    end
    a, b = b, a
    width = width * 2
  end
  return a
end

local function checksum(a)
  local h = 0
  for i = 1, #a do h = (h * 31 + a[i] % 1009) % 1000003 end
  return h
end

local x, y, z = {}, {}, {}
for i = 1, N do
  local r = random()
  x[i], y[i], z[i] = r, r, r
end
table.sort(x)
table.sort(y, function(p, q) return p > q end)
z = mergesort(z, N)
for i = 1, N do assert(x[i] == z[i] and x[i] == y[N + 1 - i]) end
print(string.format("sort %d %d %d", checksum(x), checksum(y), checksum(z)))
