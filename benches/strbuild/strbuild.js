const N = Number(process.argv[2] || 500);

function hash(s, h) {
  for (let i = 0; i < s.length; i += 7) h = (h * 31 + s.charCodeAt(i)) % 1000003;
  return h;
}

function build(round) {
  const parts = [];
  let line = '';
  for (let i = 1; i <= 4000; i++) {
    line = line + String.fromCharCode(97 + (i * round) % 26) + i;
    if (line.length > 200) {
      parts.push(line);
      line = '';
    }
  }
  const text = parts.join('\n');
  const up = [...text.substring(0, 5000).toUpperCase()].reverse().join('');
  return text + '|' + up;
}

let h = 7, bytes = 0;
for (let round = 1; round <= N; round++) {
  const s = build(round);
  bytes += s.length;
  h = hash(s, h);
}
console.log(`strbuild ${bytes} ${h}`);
