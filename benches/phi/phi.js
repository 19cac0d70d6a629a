const N = Number(process.argv[2] || 2400);
const PI = Math.PI, PHI = (1 + Math.sqrt(5)) / 2, E = Math.exp(1);

function V(n, k, m, p, q) {
  return n * 3 ** k * PI ** m * PHI ** p * E ** q;
}

let count = 0, sum = 0, largest = 0;
for (let n = 1; n <= N; n++)
  for (let k = -4; k <= 4; k++)
    for (let m = -3; m <= 3; m++)
      for (let p = -3; p <= 3; p++)
        for (let q = -3; q <= 3; q++) {
          const v = V(n, k, m, p, q);
          if (v >= 1 && v <= 100) {
            count++;
            sum += v;
          }
          if (v > largest) largest = v;
        }
console.log(`phi ${count} ${sum.toFixed(3)} ${largest.toFixed(3)}`);
