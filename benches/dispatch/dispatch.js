const N = Number(process.argv[2] || 4000);

class Shape {
  constructor(id) { this.id = id; }
  area() { return 0; }
  corners() { return 0; }
  weight() { return this.area() * 2 + this.corners(); }
  move(d) { this.id = (this.id + d) % 997; }
}

class Polygon extends Shape {
  constructor(id, n) {
    super(id);
    this.n = n;
  }
  corners() { return this.n; }
}

class Rectangle extends Polygon {
  constructor(id, w, h) {
    super(id, 4);
    this.w = w;
    this.h = h;
  }
  area() { return this.w * this.h; }
}

class Square extends Rectangle {
  constructor(id, side) { super(id, side, side); }
  weight() { return super.weight() + 1; }
}

class Triangle extends Polygon {
  constructor(id, base, height) {
    super(id, 3);
    this.base = base;
    this.height = height;
  }
  area() { return this.base * this.height; }
  move(d) {
    super.move(d * 3);
    this.base = this.base % 19 + 1;
  }
}

class Dot extends Shape {
  weight() { return this.id % 5; }
}

const shapes = [];
for (let i = 1; i <= 1000; i++) {
  const k = i * 7 % 5;
  if (k === 0) shapes.push(new Rectangle(i, i % 11, i % 13));
  else if (k === 1) shapes.push(new Square(i, i % 17));
  else if (k === 2) shapes.push(new Triangle(i, i % 19, i % 7));
  else if (k === 3) shapes.push(new Dot(i));
  else shapes.push(new Polygon(i, i % 9));
}

let h = 0;
for (let round = 1; round <= N; round++) {
  for (let i = 0; i < shapes.length; i++) {
    const s = shapes[i];
    s.move(round);
    h = (h * 31 + s.weight() + s.id) % 1000003;
  }
}
console.log(`dispatch ${h}`);
