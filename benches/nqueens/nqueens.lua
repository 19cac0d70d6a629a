-- Counts the placements of N queens by backtracking over three tables of booleans.
local N = tonumber(arg[1] or 12)

local columns, up, down = {}, {}, {}
for i = 1, N do columns[i] = false end
for i = 1, 2 * N do up[i], down[i] = false, false end

local tried = 0
local function place(row)
  if row > N then return 1 end
  local count = 0
  for c = 1, N do
    local u, d = row + c, row - c + N
    if not (columns[c] or up[u] or down[d]) then
      tried = tried + 1
      columns[c], up[u], down[d] = true, true, true
      count = count + place(row + 1)
      columns[c], up[u], down[d] = false, false, false
    end
  end
  return count
end

print(string.format("nqueens %d %d", place(1), tried))
