const N = Number(process.argv[2] || 10);

function fannkuch(n) {
  const perm = new Int32Array(n), work = new Int32Array(n), count = new Int32Array(n);
  for (let i = 0; i < n; i++) perm[i] = i;
  let sum = 0, most = 0, even = true;
  for (;;) {
    let first = perm[0];
    if (first !== 0) {
      for (let i = 0; i < n; i++) work[i] = perm[i];
      let flips = 0;
      while (first !== 0) {
        for (let i = 0, j = first; i < j; i++, j--) {
          const t = work[i];
          work[i] = work[j];
          work[j] = t;
        }
        flips++;
        first = work[0];
      }
      if (flips > most) most = flips;
      sum += even ? flips : -flips;
    }
    even = !even;
    let r = 1;
    for (;;) {
      if (r >= n) return [sum, most];
      const p = perm[0];
      for (let i = 0; i < r; i++) perm[i] = perm[i + 1];
      perm[r] = p;
      if (++count[r] <= r) break;
      count[r] = 0;
      r++;
    }
  }
}

const [sum, most] = fannkuch(N);
console.log(`fannkuch ${sum} ${most}`);
