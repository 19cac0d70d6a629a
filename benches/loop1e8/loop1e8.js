const N = Number(process.argv[2] || 100000000);

let s = 0;
for (let i = 1; i <= N; i++) s += i;
console.log(`loop1e8 ${s}`);
