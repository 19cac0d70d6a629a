const N = Number(process.argv[2] || 350);

function counter(step) {
  let value = 0;
  return [() => { value += step; }, () => value];
}

const compose = (f, g) => (x) => g(f(x));
const add = (n) => (x) => x + n;
const mul = (n) => (x) => x * n;
const mod = (n) => (x) => x % n;

function map(xs, f) {
  const out = [];
  for (let i = 0; i < xs.length; i++) out.push(f(xs[i]));
  return out;
}

function filter(xs, keep) {
  const out = [];
  for (let i = 0; i < xs.length; i++) if (keep(xs[i])) out.push(xs[i]);
  return out;
}

function fold(xs, f, acc) {
  for (let i = 0; i < xs.length; i++) acc = f(acc, xs[i]);
  return acc;
}

function memoize(f) {
  const cache = new Map();
  return (n) => {
    let v = cache.get(n);
    if (v === undefined) {
      v = f(n);
      cache.set(n, v);
    }
    return v;
  };
}

const xs = [];
for (let i = 1; i <= 10000; i++) xs.push(i);

let h = 0;
for (let round = 1; round <= N; round++) {
  const [bump, get] = counter(round);
  const step = compose(compose(add(round), mul(3)), mod(10007));
  const ys = map(xs, (x) => {
    bump();
    return step(x);
  });
  const odd = filter(ys, (y) => (y + round) % 2 === 1);
  h = fold(odd, (a, y) => (a * 31 + y) % 1000003, h + get());
  const collatz = memoize((n) => n === 1 ? 0 : n % 2 === 0 ? 1 + collatz(n / 2) : 1 + collatz(3 * n + 1));
  for (let i = 1; i <= 300; i++) h += collatz(i);
  h %= 1000003;
}
console.log(`closures ${h}`);
