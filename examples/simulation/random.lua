-- A small generator of its own, so that a run is the same everywhere: xorshift over 32 bits.

local random = { state = 2463534242 }

function random.seed(n) random.state = n & 0xFFFFFFFF | 1 end

-- A whole number from 1 to n.
function random.below(n)
  local x = random.state
  x = (x ~ x << 13) & 0xFFFFFFFF
  x = x ~ x >> 17
  x = (x ~ x << 5) & 0xFFFFFFFF
  random.state = x
  return x % n + 1
end

return random
