const N = Number(process.argv[2] || 500000);

let h = 0, size = 0;
const names = ['alpha', 'beta', 'gamma', 'delta'];
for (let i = 1; i <= N; i++) {
  const name = names[i % 4];
  const line = String(i).padStart(5) + '|' + name.padEnd(8) + '|' + (i / 7).toFixed(3).padStart(8, '0') + '|' +
    (i * 2654435).toString(16) + '|' + String.fromCharCode(65 + i % 26);
  const key = name + '_' + i % 1000 + ':' + String(i % 97).padStart(3, '0');
  size += line.length + key.length;
  h = (h * 31 + line.charCodeAt(i % line.length) + key.charCodeAt(key.length - 1)) % 1000003;
}
console.log(`format ${size} ${h}`);
