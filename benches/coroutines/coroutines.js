const N = Number(process.argv[2] || 140);

function* numbers(n) {
  for (let i = 1; i <= n; i++) yield i;
}

function* mapped(source, f) {
  for (const v of source) yield f(v);
}

function build(depth, base) {
  if (depth === 0) return { left: null, value: base, right: null };
  return { left: build(depth - 1, base * 2), value: base, right: build(depth - 1, base * 2 + 1) };
}

function* walk(tree) {
  if (tree.left) yield* walk(tree.left);
  yield tree.value;
  if (tree.right) yield* walk(tree.right);
}

function* task(i) {
  let id = i;
  for (let k = 1; k <= i % 20 + 10; k++) id += yield id * k;
}

function schedule(tasks) {
  let h = 0, live = tasks.length;
  const done = new Array(live).fill(false);
  while (live > 0) {
    for (let i = 0; i < tasks.length; i++) {
      if (!done[i]) {
        const r = tasks[i].next(i + 1);
        if (r.done) {
          done[i] = true;
          live--;
        } else {
          h = (h * 31 + r.value) % 1000003;
        }
      }
    }
  }
  return h;
}

let h = 0;
const tree = build(9, 1);
for (let round = 1; round <= N; round++) {
  for (const v of mapped(mapped(numbers(10000), (x) => x + round), (x) => x % 1009)) h = (h * 31 + v) % 1000003;
  for (const v of walk(tree)) h = (h * 31 + v) % 1000003;
  const tasks = [];
  for (let i = 1; i <= 200; i++) tasks.push(task(i));
  h = (h + schedule(tasks)) % 1000003;
}
console.log(`coroutines ${h}`);
