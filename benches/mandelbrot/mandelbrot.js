const N = Number(process.argv[2] || 1000);
const LIMIT = 80;

let inside = 0, hash = 0;
for (let py = 0; py < N; py++) {
  const ci = 2 * py / N - 1;
  for (let px = 0; px < N; px++) {
    const cr = 3 * px / N - 2;
    let zr = 0, zi = 0, k = 0;
    while (k < LIMIT) {
      const r2 = zr * zr, i2 = zi * zi;
      if (r2 + i2 > 4) break;
      zi = 2 * zr * zi + ci;
      zr = r2 - i2 + cr;
      k++;
    }
    if (k === LIMIT) inside++;
    hash = (hash * 31 + k) % 1000003;
  }
}
console.log(`mandelbrot ${inside} ${hash}`);
