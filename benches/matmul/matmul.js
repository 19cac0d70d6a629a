const N = Number(process.argv[2] || 400);

function matrix(n, seed) {
  const m = [];
  for (let i = 1; i <= n; i++) {
    const row = new Float64Array(n);
    for (let j = 1; j <= n; j++) row[j - 1] = ((i * 7 + j * 13 + seed) % 101 - 50) / 8;
    m.push(row);
  }
  return m;
}

function transpose(m, n) {
  const t = [];
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(n);
    for (let j = 0; j < n; j++) row[j] = m[j][i];
    t.push(row);
  }
  return t;
}

function multiply(a, b, n) {
  const bt = transpose(b, n), c = [];
  for (let i = 0; i < n; i++) {
    const row = new Float64Array(n), ai = a[i];
    for (let j = 0; j < n; j++) {
      let s = 0;
      const bj = bt[j];
      for (let k = 0; k < n; k++) s += ai[k] * bj[k];
      row[j] = s;
    }
    c.push(row);
  }
  return c;
}

const c = multiply(matrix(N, 1), matrix(N, 2), N);
let trace = 0, sum = 0;
for (let i = 0; i < N; i++) {
  trace += c[i][i];
  for (let j = 0; j < N; j++) sum += c[i][j] * ((i + j + 2) % 3);
}
console.log(`matmul ${trace.toFixed(6)} ${sum.toFixed(6)}`);
