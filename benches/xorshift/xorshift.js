// 64-bit words as pairs of 32-bit halves: BigInt would be fifty times slower.
const N = Number(process.argv[2] || 30000000);

const start = 88172645463325252n;
let hi = Number(start >> 32n) | 0, lo = Number(start & 0xffffffffn) | 0;
let sumHi = 0, sumLo = 0;
const MH = 0x2545F491 | 0, ML = 0x4F6CDD1D | 0;
const ML0 = ML & 0xffff, ML1 = ML >>> 16;

for (let i = 0; i < N; i++) {
  // x ^= x >>> 12
  lo ^= (lo >>> 12) | (hi << 20);
  hi ^= hi >>> 12;
  // x ^= x << 25
  hi ^= (hi << 25) | (lo >>> 7);
  lo ^= lo << 25;
  // x ^= x >>> 27
  lo ^= (lo >>> 27) | (hi << 5);
  hi ^= hi >>> 27;
  // product = x * M (mod 2^64)
  const a0 = lo & 0xffff, a1 = lo >>> 16;
  const p00 = Math.imul(a0, ML0) >>> 0, p01 = Math.imul(a0, ML1) >>> 0;
  const p10 = Math.imul(a1, ML0) >>> 0, p11 = Math.imul(a1, ML1) >>> 0;
  const mid = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
  const plo = ((mid << 16) | (p00 & 0xffff)) >>> 0;
  const carry = p11 + (p01 >>> 16) + (p10 >>> 16) + (mid >>> 16);
  const phi = (carry + Math.imul(lo, MH) + Math.imul(hi, ML)) | 0;
  // sum += product >>> 11
  sumLo += ((plo >>> 11) | (phi << 21)) >>> 0;
  sumHi += phi >>> 11;
  if (sumLo > 0xffffffff) {
    sumLo -= 0x100000000;
    sumHi += 1;
  }
  sumHi = sumHi >>> 0;
}
const hex = (n) => (n >>> 0).toString(16).padStart(8, '0');
console.log(`xorshift ${hex(hi)}${hex(lo)} ${hex(sumHi)}${hex(sumLo)}`);
