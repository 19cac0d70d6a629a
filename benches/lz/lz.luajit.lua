-- LZ77-style compression with a hash of three bytes, and decompression: byte arrays and small integers.
local N = tonumber(arg[1] or 40)

local seed = 5
local function random(n)
  seed = (seed * 3877 + 29573) % 139968
  return math.floor(seed * n / 139968)
end

-- Text of words drawn from a small vocabulary, as an array of byte values.
local function make(size)
  local words = {}
  for i = 1, 200 do
    local w = {}
    for k = 1, 2 + random(8) do w[k] = 97 + random(26) end
    words[i] = w
  end
  local data, n = {}, 0
  while n < size do
    for _, b in ipairs(words[1 + random(200)]) do
      n = n + 1
      data[n] = b
    end
    n = n + 1
    data[n] = 32
  end
  return data, n
end

-- Output: 0, byte for a literal; length, distance low, distance high for a match.
local function compress(data, n)
  local out, m, last, i = {}, 0, {}, 1
  while i <= n do
    local length, distance = 0, 0
    if i + 2 <= n then
      local key = data[i] * 65536 + data[i + 1] * 256 + data[i + 2]
      local from = last[key]
      if from and i - from < 65536 then
        while length < 255 and i + length <= n and data[from + length] == data[i + length] do length = length + 1 end
        distance = i - from
      end
      last[key] = i
    end
    if length >= 4 then
      out[m + 1] = length
      out[m + 2] = distance % 256
      out[m + 3] = math.floor(distance / 256)
      m = m + 3
      i = i + length
    else
      out[m + 1] = 0
      out[m + 2] = data[i]
      m = m + 2
      i = i + 1
    end
  end
  return out, m
end

local function decompress(code, m)
  local data, n, i = {}, 0, 1
  while i <= m do
    local length = code[i]
    if length == 0 then
      n = n + 1
      data[n] = code[i + 1]
      i = i + 2
    else
      local from = n - (code[i + 1] + code[i + 2] * 256)
      for k = 1, length do data[n + k] = data[from + k] end
      n = n + length
      i = i + 3
    end
  end
  return data, n
end

local h, packed = 0, 0
for _ = 1, N do
  local data, n = make(100000)
  local code, m = compress(data, n)
  local back, k = decompress(code, m)
  assert(k == n)
  for i = 1, n do assert(back[i] == data[i]) end
  packed = packed + m
  for i = 1, m do h = (h * 31 + code[i]) % 1000003 end
end
print(string.format("lz %d %d", packed, h))
