-- SHA-256 in integer arithmetic. Prints digests as the sha256sum command does.
--   lua sha256.lua [FILE...]        without files: known test messages

-- The constants are the first 32 bits of the fractional parts of cube roots (K) and square roots (H0)
-- of the first primes. A double holds them exactly enough: 53 bits, of which at most 35 are used.
local K, H0 = {}, {}
do
  local function fraction(x) return math.floor((x - math.floor(x)) * 2 ^ 32) end
  local n = 2
  while #K < 64 do
    local prime = true
    for d = 2, math.floor(n ^ 0.5) do
      if n % d == 0 then prime = false break end
    end
    if prime then
      K[#K + 1] = fraction(n ^ (1 / 3))
      if #H0 < 8 then H0[#H0 + 1] = fraction(n ^ 0.5) end
    end
    n = n + 1
  end
end

local function rotate(x, n) return (x >> n | x << (32 - n)) & 0xFFFFFFFF end

local function sha256(message)
  -- Padding: a one bit, zeros up to eight bytes short of a block, the length in bits.
  local length = #message
  message = message .. "\x80" .. ("\0"):rep((55 - length) % 64) .. (">I8"):pack(length * 8)

  local h = table.move(H0, 1, 8, 1, {})
  for block = 1, #message, 64 do
    local w = { (">" .. ("I4"):rep(16)):unpack(message, block) }
    for i = 17, 64 do
      local x, y = w[i - 15], w[i - 2]
      local s0 = rotate(x, 7) ~ rotate(x, 18) ~ x >> 3
      local s1 = rotate(y, 17) ~ rotate(y, 19) ~ y >> 10
      w[i] = (w[i - 16] + s0 + w[i - 7] + s1) & 0xFFFFFFFF
    end

    local a, b, c, d, e, f, g, z = table.unpack(h)
    for i = 1, 64 do
      local s1 = rotate(e, 6) ~ rotate(e, 11) ~ rotate(e, 25)
      local choice = e & f ~ ~e & g
      local t1 = z + s1 + choice + K[i] + w[i]
      local s0 = rotate(a, 2) ~ rotate(a, 13) ~ rotate(a, 22)
      local majority = a & b ~ a & c ~ b & c
      z, g, f, e, d, c, b, a = g, f, e, (d + t1) & 0xFFFFFFFF, c, b, a, (t1 + s0 + majority) & 0xFFFFFFFF
    end

    for i, v in ipairs { a, b, c, d, e, f, g, z } do h[i] = (h[i] + v) & 0xFFFFFFFF end
  end
  return (("%08x"):rep(8):format(table.unpack(h)))
end

if #arg > 0 then
  for _, path in ipairs(arg) do
    local file <close> = assert(io.open(path, "rb"))
    print(sha256(file:read("a")) .. "  " .. path)
  end
  return
end

for _, message in ipairs { "", "abc", "The quick brown fox jumps over the lazy dog", ("a"):rep(100000) } do
  local shown = #message > 50 and string.format("%d times %q", #message, message:sub(1, 1)) or string.format("%q", message)
  print(sha256(message) .. "  " .. shown)
end
