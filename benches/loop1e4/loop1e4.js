const N = Number(process.argv[2] || 8000);

function inner(s) {
  for (let i = 1; i <= 10000; i++) s = (s * 3 + i) % 65521;
  return s;
}

let s = 1;
for (let r = 0; r < N; r++) s = inner(s);
console.log(`loop1e4 ${s}`);
