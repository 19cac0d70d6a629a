-- Builds and walks many short-lived binary trees beside one long-lived tree: allocation and collection.
local N = tonumber(arg[1] or 17)

local function build(depth)
  if depth == 0 then return {} end
  return { build(depth - 1), build(depth - 1) }
end

local function nodes(tree)
  local left = tree[1]
  if not left then return 1 end
  return 1 + nodes(left) + nodes(tree[2])
end

local long = build(N)
local total = nodes(build(N + 1))
for depth = 4, N, 4 do
  local rounds = 2 ^ (N - depth + 2)
  local sum = 0
  for _ = 1, rounds do sum = sum + nodes(build(depth)) end
  total = total + sum
end
print(string.format("binarytrees %d %d", nodes(long), total))
