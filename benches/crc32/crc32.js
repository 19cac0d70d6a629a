const N = Number(process.argv[2] || 220);

const table = new Int32Array(256);
for (let i = 0; i < 256; i++) {
  let c = i;
  for (let k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320 ^ (c >>> 1) : c >>> 1;
  table[i] = c;
}

function crc32(s, crc) {
  crc = ~crc;
  for (let i = 0; i < s.length; i++) crc = table[(crc ^ s[i]) & 0xff] ^ (crc >>> 8);
  return ~crc;
}

const data = new Uint8Array(1 << 16);
let seed = 42;
for (let i = 0; i < data.length; i++) {
  seed = (seed * 3877 + 29573) % 139968;
  data[i] = seed % 256;
}
let crc = 0;
for (let r = 0; r < N; r++) crc = crc32(data, crc);
const hex = (n) => (n >>> 0).toString(16).padStart(8, '0');
console.log(`crc32 ${hex(crc32(Buffer.from('123456789'), 0))} ${hex(crc)}`);
