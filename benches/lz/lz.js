const N = Number(process.argv[2] || 40);

let seed = 5;
function random(n) {
  seed = (seed * 3877 + 29573) % 139968;
  return Math.floor(seed * n / 139968);
}

function make(size) {
  const words = [];
  for (let i = 0; i < 200; i++) {
    const w = [];
    for (let k = 2 + random(8); k > 0; k--) w.push(97 + random(26));
    words.push(w);
  }
  const data = [];
  while (data.length < size) {
    for (const b of words[random(200)]) data.push(b);
    data.push(32);
  }
  return data;
}

function compress(data) {
  const out = [], last = new Map(), n = data.length;
  let i = 0;
  while (i < n) {
    let length = 0, distance = 0;
    if (i + 2 < n) {
      const key = data[i] * 65536 + data[i + 1] * 256 + data[i + 2];
      const from = last.get(key);
      if (from !== undefined && i - from < 65536) {
        while (length < 255 && i + length < n && data[from + length] === data[i + length]) length++;
        distance = i - from;
      }
      last.set(key, i);
    }
    if (length >= 4) {
      out.push(length, distance % 256, distance >> 8);
      i += length;
    } else {
      out.push(0, data[i]);
      i++;
    }
  }
  return out;
}

function decompress(code) {
  const data = [];
  let i = 0;
  while (i < code.length) {
    const length = code[i];
    if (length === 0) {
      data.push(code[i + 1]);
      i += 2;
    } else {
      const from = data.length - (code[i + 1] + code[i + 2] * 256);
      for (let k = 0; k < length; k++) data.push(data[from + k]);
      i += 3;
    }
  }
  return data;
}

let h = 0, packed = 0;
for (let r = 0; r < N; r++) {
  const data = make(100000), code = compress(data), back = decompress(code);
  if (back.length !== data.length) throw new Error('length');
  for (let i = 0; i < data.length; i++) if (back[i] !== data[i]) throw new Error('byte');
  packed += code.length;
  for (const c of code) h = (h * 31 + c) % 1000003;
}
console.log(`lz ${packed} ${h}`);
