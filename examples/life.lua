-- Conway's Life on an unbounded plane: only living cells are kept, in a table keyed by their coordinates.
--   lua life.lua [GENERATIONS]

local generations = tonumber(arg[1]) or 60

-- A cell's two coordinates packed into one integer key, and back.
local function key(x, y) return x << 32 | (y & 0xFFFFFFFF) end

local function coordinates(k)
  local y = k & 0xFFFFFFFF
  return k // 0x100000000, y < 0x80000000 and y or y - 0x100000000
end

local Life = {}
Life.__index = Life

function Life.parse(picture)
  local cells, y = {}, 0
  for line in picture:gmatch("[^\n]+") do
    for x = 1, #line do
      if line:sub(x, x) == "O" then cells[key(x, y)] = true end
    end
    y = y + 1
  end
  return setmetatable({ cells = cells, generation = 0 }, Life)
end

function Life:step()
  local neighbours = {}
  for k in pairs(self.cells) do
    local x, y = coordinates(k)
    for dx = -1, 1 do
      for dy = -1, 1 do
        if dx ~= 0 or dy ~= 0 then
          local n = key(x + dx, y + dy)
          neighbours[n] = (neighbours[n] or 0) + 1
        end
      end
    end
  end
  local born = {}
  for k, n in pairs(neighbours) do
    if n == 3 or n == 2 and self.cells[k] then born[k] = true end
  end
  self.cells = born
  self.generation = self.generation + 1
end

function Life:population()
  local n = 0
  for _ in pairs(self.cells) do n = n + 1 end
  return n
end

function Life:__tostring()
  local x1, y1, x2, y2 = math.maxinteger, math.maxinteger, math.mininteger, math.mininteger
  for k in pairs(self.cells) do
    local x, y = coordinates(k)
    x1, y1, x2, y2 = math.min(x1, x), math.min(y1, y), math.max(x2, x), math.max(y2, y)
  end
  local rows = {}
  for y = y1, y2 do
    local row = {}
    for x = x1, x2 do row[#row + 1] = self.cells[key(x, y)] and "O" or "." end
    rows[#rows + 1] = table.concat(row)
  end
  return table.concat(rows, "\n")
end

-- The r-pentomino: five cells that take 1103 generations to settle.
local life = Life.parse [[
.OO
OO.
.O.
]]

for _ = 1, generations do life:step() end
print(life)
print(string.format("generation %d: %d cells", life.generation, life:population()))
