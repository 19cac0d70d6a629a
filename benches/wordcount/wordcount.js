const N = Number(process.argv[2] || 220);

let seed = 9;
function random(n) {
  seed = (seed * 3877 + 29573) % 139968;
  return Math.floor(seed * n / 139968);
}

const syllables = ['ka', 'lo', 'mi', 'ne', 'tu', 'ra', 'so', 'vi', 'pe', 'du'];
function word() {
  let w = '';
  for (let k = random(3); k >= 0; k--) w += syllables[random(10)];
  return w;
}

let total = 0, h = 0;
for (let r = 0; r < N; r++) {
  const text = [];
  for (let i = 0; i < 5000; i++) text.push(word());
  const counts = new Map();
  for (const [w] of text.join(' ').matchAll(/[A-Za-z]+/g)) counts.set(w, (counts.get(w) || 0) + 1);
  const ranked = [];
  for (const [word, count] of counts) ranked.push({ word, count });
  ranked.sort((a, b) => a.count !== b.count ? b.count - a.count : a.word < b.word ? -1 : 1);
  total += ranked.length;
  for (let i = 0; i < 20; i++) {
    const { word, count } = ranked[i];
    h = (h * 31 + count * 7 + word.charCodeAt(word.length - 1) + word.length) % 1000003;
  }
}
console.log(`wordcount ${total} ${h}`);
