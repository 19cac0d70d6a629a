const N = Number(process.argv[2] || 17);

function build(depth) {
  return depth === 0 ? { left: null, right: null } : { left: build(depth - 1), right: build(depth - 1) };
}

function nodes(tree) {
  return tree.left ? 1 + nodes(tree.left) + nodes(tree.right) : 1;
}

const long = build(N);
let total = nodes(build(N + 1));
for (let depth = 4; depth <= N; depth += 4) {
  const rounds = 2 ** (N - depth + 2);
  for (let r = 0; r < rounds; r++) total += nodes(build(depth));
}
console.log(`binarytrees ${nodes(long)} ${total}`);
