-- Product of two N by N float matrices kept as tables of rows.
local N = tonumber(arg[1] or 400)

local function matrix(n, seed)
  local m = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do
      row[j] = ((i * 7 + j * 13 + seed) % 101 - 50) / 8
    end
    m[i] = row
  end
  return m
end

local function transpose(m, n)
  local t = {}
  for i = 1, n do
    local row = {}
    for j = 1, n do row[j] = m[j][i] end
    t[i] = row
  end
  return t
end

local function multiply(a, b, n)
  local bt, c = transpose(b, n), {}
  for i = 1, n do
    local row, ai = {}, a[i]
    for j = 1, n do
      local s, bj = 0.0, bt[j]
      for k = 1, n do s = s + ai[k] * bj[k] end
      row[j] = s
    end
    c[i] = row
  end
  return c
end

local c = multiply(matrix(N, 1), matrix(N, 2), N)
local trace, sum = 0.0, 0.0
for i = 1, N do
  trace = trace + c[i][i]
  for j = 1, N do sum = sum + c[i][j] * ((i + j) % 3) end
end
print(string.format("matmul %.6f %.6f", trace, sum))
