const N = Number(process.argv[2] || 400000);

let seed = 7;
function random() {
  seed = (seed * 1103515 + 12345) % 2147483648;
  return seed;
}

function mergesort(a, n) {
  let b = new Array(n).fill(0);
  for (let width = 1; width < n; width *= 2) {
    for (let lo = 0; lo < n; lo += 2 * width) {
      const mid = Math.min(lo + width, n), hi = Math.min(lo + 2 * width, n);
      let i = lo, j = mid;
      for (let k = lo; k < hi; k++) b[k] = i < mid && (j >= hi || a[i] <= a[j]) ? a[i++] : a[j++];
    }
    [a, b] = [b, a];
  }
  return a;
}

function checksum(a) {
  let h = 0;
  for (const v of a) h = (h * 31 + v % 1009) % 1000003;
  return h;
}

const x = [], y = [];
let z = [];
for (let i = 0; i < N; i++) {
  const r = random();
  x.push(r);
  y.push(r);
  z.push(r);
}
x.sort((p, q) => p - q);
y.sort((p, q) => q - p);
z = mergesort(z, N);
for (let i = 0; i < N; i++) if (x[i] !== z[i] || x[i] !== y[N - 1 - i]) throw new Error('order');
console.log(`sort ${checksum(x)} ${checksum(y)} ${checksum(z)}`);
