const N = Number(process.argv[2] || 4000000);

class ListQueue {
  constructor() {
    this.first = null;
    this.last = null;
    this.count = 0;
  }
  put(value) {
    const node = { value, next: null };
    if (this.last) this.last.next = node; else this.first = node;
    this.last = node;
    this.count++;
  }
  take() {
    const node = this.first;
    this.first = node.next;
    if (!node.next) this.last = null;
    this.count--;
    return node.value;
  }
}

// A sparse object would be a dictionary in JavaScript, so this twin wraps its indices.
class ArrayQueue {
  constructor() {
    this.head = 0;
    this.tail = 0;
    this.items = new Array(16).fill(0);
    this.count = 0;
  }
  put(value) {
    const size = this.items.length;
    if (this.count === size) {
      const grown = new Array(size * 2).fill(0);
      for (let i = 0; i < size; i++) grown[i] = this.items[(this.head + i) & (size - 1)];
      this.items = grown;
      this.head = 0;
      this.tail = size;
    }
    this.items[this.tail] = value;
    this.tail = (this.tail + 1) & (this.items.length - 1);
    this.count++;
  }
  take() {
    const value = this.items[this.head];
    this.head = (this.head + 1) & (this.items.length - 1);
    this.count--;
    return value;
  }
}

function exercise(queue, n) {
  let h = 0;
  for (let i = 1; i <= 100; i++) queue.put(i);
  for (let i = 1; i <= n; i++) {
    const v = queue.take();
    h = (h * 31 + v) % 1000003;
    queue.put((v * 7 + i) % 10007);
  }
  return h + queue.count;
}

const half = Math.floor(N / 2);
console.log(`queue ${exercise(new ListQueue(), half)} ${exercise(new ArrayQueue(), half)}`);
