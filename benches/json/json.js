// The same hand-written codec as the Lua program, not JSON.parse.
const N = Number(process.argv[2] || 180);

const escapes = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\t': '\\t' };
const unescape = { n: '\n', t: '\t', '"': '"', '\\': '\\' };

const quote = (s) => '"' + s.replace(/["\\\n\t]/g, (c) => escapes[c]) + '"';

function encode(v, out) {
  if (Array.isArray(v)) {
    out.push('[');
    for (let i = 0; i < v.length; i++) {
      if (i > 0) out.push(',');
      encode(v[i], out);
    }
    out.push(']');
  } else if (typeof v === 'object') {
    out.push('{');
    let first = true;
    for (const [k, x] of v) {
      if (!first) out.push(',');
      first = false;
      out.push(quote(k), ':');
      encode(x, out);
    }
    out.push('}');
  } else if (typeof v === 'string') {
    out.push(quote(v));
  } else if (typeof v === 'number') {
    out.push(v % 1 === 0 ? String(v) : v.toFixed(3));
  } else {
    out.push(String(v));
  }
}

let s = '', at = 0;

function space() {
  let c = s.charCodeAt(at);
  while (c === 32 || c === 10 || c === 9 || c === 13) c = s.charCodeAt(++at);
  return c;
}

function text() {
  let from = at, done = '';
  for (;;) {
    const c = s.charCodeAt(at);
    if (c === 34) return done + s.substring(from, at++);
    if (c === 92) {
      done += s.substring(from, at) + unescape[s[at + 1]];
      at += 2;
      from = at;
    } else {
      at++;
    }
  }
}

function value() {
  let c = space();
  if (c === 123) {
    const object = new Map();
    at++;
    c = space();
    while (c !== 125) {
      at++;
      const k = text();
      space();
      at++;
      object.set(k, value());
      c = space();
      if (c === 44) {
        at++;
        c = space();
      }
    }
    at++;
    return object;
  }
  if (c === 91) {
    const list = [];
    at++;
    c = space();
    while (c !== 93) {
      list.push(value());
      c = space();
      if (c === 44) {
        at++;
        c = space();
      }
    }
    at++;
    return list;
  }
  if (c === 34) {
    at++;
    return text();
  }
  if (c === 116) {
    at += 4;
    return true;
  }
  if (c === 102) {
    at += 5;
    return false;
  }
  const number = /-?\d+\.?\d*/y;
  number.lastIndex = at;
  const m = number.exec(s)[0];
  at += m.length;
  return Number(m);
}

let seed = 3;
function random(n) {
  seed = (seed * 3877 + 29573) % 139968;
  return Math.floor(seed * n / 139968);
}

let data = [];
for (let i = 1; i <= 200; i++) {
  const tags = [];
  for (let k = 1 + random(4); k > 0; k--) tags.push('tag' + random(20));
  data.push(new Map([['id', i], ['name', 'user "' + random(1000) + '"\n'], ['score', random(100000) / 8 + 0.125],
    ['active', random(2) === 1], ['tags', tags],
    ['place', new Map([['x', random(500) - 250], ['y', random(500) - 250]])]]));
}

let h = 0, size = 0;
for (let r = 0; r < N; r++) {
  const out = [];
  encode(data, out);
  s = out.join('');
  at = 0;
  size += s.length;
  for (let i = 0; i < s.length; i += 17) h = (h * 31 + s.charCodeAt(i)) % 1000003;
  data = value();
  data.push(data.shift());
}
console.log(`json ${size} ${h}`);
