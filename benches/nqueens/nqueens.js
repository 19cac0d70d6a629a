const N = Number(process.argv[2] || 12);

const columns = new Array(N + 1).fill(false);
const up = new Array(2 * N + 1).fill(false), down = new Array(2 * N + 1).fill(false);

let tried = 0;
function place(row) {
  if (row > N) return 1;
  let count = 0;
  for (let c = 1; c <= N; c++) {
    const u = row + c, d = row - c + N;
    if (!(columns[c] || up[u] || down[d])) {
      tried++;
      columns[c] = up[u] = down[d] = true;
      count += place(row + 1);
      columns[c] = up[u] = down[d] = false;
    }
  }
  return count;
}

const count = place(1);
console.log(`nqueens ${count} ${tried}`);
