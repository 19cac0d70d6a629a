-- Mandelbrot set on an N by N grid: float arithmetic in a loop with a data-dependent exit.
local N = tonumber(arg[1] or 1000)
local LIMIT = 80

local inside, hash = 0, 0
for py = 0, N - 1 do
  local ci = 2.0 * py / N - 1.0
  for px = 0, N - 1 do
    local cr = 3.0 * px / N - 2.0
    local zr, zi, k = 0.0, 0.0, 0
    while k < LIMIT do
      local r2, i2 = zr * zr, zi * zi
      if r2 + i2 > 4.0 then break end
      zi = 2.0 * zr * zi + ci
      zr = r2 - i2 + cr
      k = k + 1
    end
    if k == LIMIT then inside = inside + 1 end
    hash = (hash * 31 + k) % 1000003
  end
end
print(string.format("mandelbrot %d %d", inside, hash))
