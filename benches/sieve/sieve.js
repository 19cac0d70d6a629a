const N = Number(process.argv[2] || 50);
const SIZE = 500000;

function sieve(size) {
  const composite = new Uint8Array(size + 1);
  let count = 0, sum = 0;
  for (let i = 2; i <= size; i++) {
    if (!composite[i]) {
      count++;
      sum = (sum + i) % 1000003;
      for (let j = i * i; j <= size; j += i) composite[j] = 1;
    }
  }
  return [count, sum];
}

let total = 0, count = 0, sum = 0;
for (let r = 1; r <= N; r++) {
  [count, sum] = sieve(SIZE - r);
  total = (total + count * 7 + sum) % 1000003;
}
console.log(`sieve ${count} ${sum} ${total}`);
