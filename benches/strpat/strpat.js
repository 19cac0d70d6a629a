const N = Number(process.argv[2] || 100);

let seed = 42;
function random(n) {
  seed = (seed * 3877 + 29573) % 139968;
  return Math.floor(seed * n / 139968);
}

const two = (n) => String(n).padStart(2, '0');
const levels = ['INFO', 'WARN', 'ERROR', 'DEBUG'];
const lines = [];
for (let i = 0; i < 1000; i++) {
  lines.push(`2024-${two(random(12) + 1)}-${two(random(28) + 1)} ${levels[random(4)]} [worker-${random(16)}] ` +
    `key${random(100)}=value${random(1000)}; path=/usr/lib/x${random(50)}.so size=${random(9000)}kB`);
}
const text = lines.join('\n');

let pairs = 0, errors = 0, kb = 0, h = 0;
for (let round = 1; round <= N; round++) {
  for (const m of text.matchAll(/([A-Za-z]+\d*)=([A-Za-z0-9/._]+)/g)) {
    pairs++;
    h = (h * 31 + m[1].length * 7 + m[2].length) % 1000003;
  }
  for (const [line] of text.matchAll(/[^\n]+/g)) {
    const [, y, m, d, level] = /^(\d+)-(\d+)-(\d+) ([A-Z]+)/.exec(line);
    if (level === 'ERROR') errors += Number(m) * 100 + Number(d);
    const size = /size=(\d+)kB$/.exec(line)[1];
    kb = (kb + Number(size) + y.length) % 1000003;
    if (line.includes('worker-' + round % 16 + ']')) h = (h + 1) % 1000003;
  }
  let count = 0, digits = 0;
  const changed = text.replace(/\[worker-(\d+)\]/g, (_, n) => {
    count++;
    return '<' + n + '>';
  });
  changed.replace(/\d/g, (c) => {
    digits++;
    return c;
  });
  h = (h * 31 + changed.length + count + digits) % 1000003;
}
console.log(`strpat ${pairs} ${errors} ${kb} ${h}`);
