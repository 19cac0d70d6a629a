const N = Number(process.argv[2] || 600000);

function sum(...xs) {
  let s = 0;
  for (let i = 0; i < xs.length; i++) s += xs[i];
  return s;
}

function collect(...xs) {
  return [xs.length, xs];
}

// Lua's `return ..., first` keeps one value of the middle `...`.
function rotate(first, ...rest) {
  return [rest[0], first];
}

function forward(f, ...xs) {
  return f(...xs);
}

function reverse(n, first, ...rest) {
  if (n <= 1) return first;
  return reverse(n - 1, ...rest) * 3 + first;
}

function minmax(a, b, c) {
  let lo = a, hi = a;
  if (b < lo) lo = b; else if (b > hi) hi = b;
  if (c < lo) lo = c; else if (c > hi) hi = c;
  return [lo, hi];
}

let h = 0;
const five = [1, 2, 3, 4, 5];
for (let i = 1; i <= N; i++) {
  const [n, t] = collect(i, i + 1, i + 2, i + 3);
  const [lo, hi] = minmax(i % 3, ...forward(rotate, i % 7, i % 11));
  const [a, b] = rotate(i % 5, 2);
  five[i % 5] = i % 100;
  h = (h * 31 + sum(...t) + n + lo + hi + a * b + forward(sum, ...five) + reverse(4, i, 2, 3, i % 9)) % 1000003;
}
console.log(`vararg ${h}`);
