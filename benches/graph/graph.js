const N = Number(process.argv[2] || 100);

let seed = 13;
function random(n) {
  seed = (seed * 3877 + 29573) % 139968;
  return Math.floor(seed * n / 139968);
}

class Block {
  constructor(id) {
    this.id = id;
    this.succ = [];
    this.pred = [];
    this.order = 0;
    this.idom = null;
    this.depth = 0;
  }
  to(other) {
    this.succ.push(other);
    other.pred.push(this);
  }
}

function generate(n) {
  const blocks = [];
  for (let i = 1; i <= n; i++) blocks.push(new Block(i));
  for (let i = 1; i < n; i++) {
    blocks[i - 1].to(blocks[i]);
    const kind = random(4);
    if (kind === 0) blocks[i - 1].to(blocks[Math.min(n, i + 2 + random(10)) - 1]);
    else if (kind === 1 && i > 20) blocks[i - 1].to(blocks[i - random(20) - 1]);
  }
  return blocks;
}

function number(entry) {
  const stack = [entry], child = [0], post = [], seen = new Set([entry]);
  while (stack.length > 0) {
    const top = stack.length - 1, b = stack[top];
    if (child[top] < b.succ.length) {
      const s = b.succ[child[top]++];
      if (!seen.has(s)) {
        seen.add(s);
        stack.push(s);
        child.push(0);
      }
    } else {
      stack.pop();
      child.pop();
      post.push(b);
    }
  }
  const order = post.reverse();
  order.forEach((b, i) => { b.order = i + 1; });
  return order;
}

function meet(a, b) {
  while (a !== b) {
    while (a.order > b.order) a = a.idom;
    while (b.order > a.order) b = b.idom;
  }
  return a;
}

function dominators(order) {
  let rounds = 0, changed = true;
  order[0].idom = order[0];
  while (changed) {
    changed = false;
    rounds++;
    for (let i = 1; i < order.length; i++) {
      const b = order[i];
      let dom = null;
      for (const p of b.pred) if (p.idom) dom = dom ? meet(p, dom) : p;
      if (b.idom !== dom) {
        b.idom = dom;
        changed = true;
      }
    }
  }
  return rounds;
}

function dominates(a, b) {
  while (b.order > a.order) b = b.idom;
  return a === b;
}

function loops(order) {
  let count = 0;
  for (let i = order.length - 1; i >= 0; i--) {
    const header = order[i], work = [];
    let body = null;
    for (const p of header.pred) {
      if (p.order > 0 && dominates(header, p)) {
        body = body || new Set([header]);
        if (!body.has(p)) {
          body.add(p);
          work.push(p);
        }
      }
    }
    if (body) {
      count++;
      header.depth++;
      while (work.length > 0) {
        const b = work.pop();
        b.depth++;
        for (const p of b.pred) {
          if (!body.has(p)) {
            body.add(p);
            work.push(p);
          }
        }
      }
    }
  }
  return count;
}

let h = 0, total = 0;
for (let r = 0; r < N; r++) {
  const order = number(generate(2000)[0]);
  const rounds = dominators(order);
  total += loops(order);
  for (const b of order) h = (h * 31 + b.id + b.idom.id * 3 + b.depth) % 1000003;
  h = (h + rounds) % 1000003;
}
console.log(`graph ${total} ${h}`);
