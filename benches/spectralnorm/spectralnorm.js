const N = Number(process.argv[2] || 700);

function a(i, j) {
  const ij = i + j;
  return 1 / (ij * (ij + 1) * 0.5 + i + 1);
}

function times(x, y) {
  for (let i = 0; i < N; i++) {
    let s = 0;
    for (let j = 0; j < N; j++) s += x[j] * a(i, j);
    y[i] = s;
  }
}

function timesTransposed(x, y) {
  for (let i = 0; i < N; i++) {
    let s = 0;
    for (let j = 0; j < N; j++) s += x[j] * a(j, i);
    y[i] = s;
  }
}

const u = new Float64Array(N).fill(1), v = new Float64Array(N), t = new Float64Array(N);
for (let r = 0; r < 10; r++) {
  times(u, t);
  timesTransposed(t, v);
  times(v, t);
  timesTransposed(t, u);
}
let uv = 0, vv = 0;
for (let i = 0; i < N; i++) {
  uv += u[i] * v[i];
  vv += v[i] * v[i];
}
console.log(`spectralnorm ${Math.sqrt(uv / vv).toFixed(9)}`);
