const N = Number(process.argv[2] || 450000);

class Event {
  constructor(time, id) {
    this.time = time;
    this.id = id;
  }
  before(other) {
    return this.time !== other.time ? this.time < other.time : this.id < other.id;
  }
}

class Heap {
  constructor() {
    this.size = 0;
    this.items = [null];
  }
  push(e) {
    const items = this.items;
    let i = ++this.size;
    while (i > 1) {
      const p = items[i >> 1];
      if (!e.before(p)) break;
      items[i] = p;
      i >>= 1;
    }
    items[i] = e;
  }
  pop() {
    const items = this.items, top = items[1], last = items[this.size--], n = this.size;
    if (n > 0) {
      let i = 1;
      for (;;) {
        let child = 2 * i;
        if (child > n) break;
        if (child < n && items[child + 1].before(items[child])) child++;
        if (!items[child].before(last)) break;
        items[i] = items[child];
        i = child;
      }
      items[i] = last;
    }
    return top;
  }
}

let seed = 11;
function random(n) {
  seed = (seed * 3877 + 29573) % 139968;
  return Math.floor(seed * n / 139968);
}

const heap = new Heap();
for (let i = 1; i <= 1000; i++) heap.push(new Event(random(1000), i));
let h = 0;
for (let i = 1; i <= N; i++) {
  const e = heap.pop();
  h = (h * 31 + e.time + e.id) % 1000003;
  heap.push(new Event(e.time + 1 + random(1000), 1000 + i));
}
console.log(`heap ${heap.size} ${h}`);
