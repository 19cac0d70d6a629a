#include <stdio.h>
#include <stdlib.h>

typedef struct Shape Shape;
typedef struct {
  long (*area)(Shape *);
  long (*corners)(Shape *);
  long (*weight)(Shape *);
  void (*move)(Shape *, long);
} Class;
struct Shape { const Class *class; long id, n, a, b; };

static long shape_area(Shape *s) { (void)s; return 0; }
static long shape_corners(Shape *s) { (void)s; return 0; }
static long shape_weight(Shape *s) { return s->class->area(s) * 2 + s->class->corners(s); }
static void shape_move(Shape *s, long d) { s->id = (s->id + d) % 997; }
static long polygon_corners(Shape *s) { return s->n; }
static long product_area(Shape *s) { return s->a * s->b; }
static long square_weight(Shape *s) { return shape_weight(s) + 1; }
static long dot_weight(Shape *s) { return s->id % 5; }
static void triangle_move(Shape *s, long d) {
  shape_move(s, d * 3);
  s->a = s->a % 19 + 1;
}

static const Class Polygon = {shape_area, polygon_corners, shape_weight, shape_move};
static const Class Rectangle = {product_area, polygon_corners, shape_weight, shape_move};
static const Class Square = {product_area, polygon_corners, square_weight, shape_move};
static const Class Triangle = {product_area, polygon_corners, shape_weight, triangle_move};
static const Class Dot = {shape_area, shape_corners, dot_weight, shape_move};

static Shape *make(const Class *class, long id, long n, long a, long b) {
  Shape *s = malloc(sizeof *s);
  *s = (Shape){class, id, n, a, b};
  return s;
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 4000, h = 0;
  static Shape *shapes[1000];
  for (long i = 1; i <= 1000; i++) {
    Shape **s = &shapes[i - 1];
    switch (i * 7 % 5) {
      case 0: *s = make(&Rectangle, i, 4, i % 11, i % 13); break;
      case 1: *s = make(&Square, i, 4, i % 17, i % 17); break;
      case 2: *s = make(&Triangle, i, 3, i % 19, i % 7); break;
      case 3: *s = make(&Dot, i, 0, 0, 0); break;
      default: *s = make(&Polygon, i, i % 9, 0, 0); break;
    }
  }
  for (long round = 1; round <= rounds; round++)
    for (long i = 0; i < 1000; i++) {
      Shape *s = shapes[i];
      s->class->move(s, round);
      h = (h * 31 + s->class->weight(s) + s->id) % 1000003;
    }
  printf("dispatch %ld\n", h);
  return 0;
}
