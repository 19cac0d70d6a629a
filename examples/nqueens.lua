-- Prints one placement of N queens (8 unless given) and counts all of them.
--   lua nqueens.lua [N]

local N = math.tointeger(arg[1] or 8) or error("the argument must be a whole number", 0)

-- True if a queen at (row, column) is attacked by none of the queens in rows above.
local function safe(queens, row, column)
  for r = 1, row - 1 do
    local c = queens[r]
    if c == column or row - r == math.abs(column - c) then return false end
  end
  return true
end

-- Calls `found` with each complete placement.
local function place(queens, row, found)
  if row > N then return found(queens) end
  for column = 1, N do
    if safe(queens, row, column) then
      queens[row] = column
      place(queens, row + 1, found)
      queens[row] = nil
    end
  end
end

local function draw(queens)
  for _, column in ipairs(queens) do
    print((". "):rep(column - 1) .. "Q " .. (". "):rep(N - column))
  end
end

local count = 0
place({}, 1, function(queens)
  count = count + 1
  if count == 1 then draw(queens) end
end)
print(string.format("%d queens: %d placements", N, count))
