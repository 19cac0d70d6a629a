-- Pancake flips over all permutations of 1..N: small integer arrays, permuted in place.
local N = tonumber(arg[1] or 10)

local function fannkuch(n)
  local perm, work, count = {}, {}, {}
  for i = 1, n do
    perm[i] = i
    count[i] = 0
  end
  local sum, most, even = 0, 0, true
  while true do
    local first = perm[1]
    if first ~= 1 then
      for i = 1, n do work[i] = perm[i] end
      local flips = 0
      while first ~= 1 do
        local i, j = 1, first
        while i < j do
          work[i], work[j] = work[j], work[i]
          i = i + 1
          j = j - 1
        end
        flips = flips + 1
        first = work[1]
      end
      if flips > most then most = flips end
      if even then sum = sum + flips else sum = sum - flips end
    end
    even = not even
    -- Next permutation: rotate ever longer prefixes, as an odometer.
    local r = 2
    while true do
      if r > n then return sum, most end
      local p = perm[1]
      for i = 1, r - 1 do perm[i] = perm[i + 1] end
      perm[r] = p
      count[r] = count[r] + 1
      if count[r] < r then break end
      count[r] = 0
      r = r + 1
    end
  end
end

print(string.format("fannkuch %d %d", fannkuch(N)))
