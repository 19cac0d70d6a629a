-- Largest singular value of the infinite matrix a(i,j) = 1/((i+j)(i+j+1)/2+i+1), by the power method.
local N = tonumber(arg[1] or 700)

local function a(i, j)
  local ij = i + j
  return 1.0 / (ij * (ij + 1) * 0.5 + i + 1)
end

local function times(x, y)
  for i = 0, N - 1 do
    local s = 0.0
    for j = 0, N - 1 do s = s + x[j + 1] * a(i, j) end
    y[i + 1] = s
  end
end

local function timesTransposed(x, y)
  for i = 0, N - 1 do
    local s = 0.0
    for j = 0, N - 1 do s = s + x[j + 1] * a(j, i) end
    y[i + 1] = s
  end
end

local u, v, t = {}, {}, {}
for i = 1, N do u[i], v[i], t[i] = 1.0, 0.0, 0.0 end
for _ = 1, 10 do
  times(u, t)
  timesTransposed(t, v)
  times(v, t)
  timesTransposed(t, u)
end
local uv, vv = 0.0, 0.0
for i = 1, N do
  uv = uv + u[i] * v[i]
  vv = vv + v[i] * v[i]
end
print(string.format("spectralnorm %.9f", math.sqrt(uv / vv)))
