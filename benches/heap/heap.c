#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct { long time, id; } Event;
typedef struct { long size; Event **items; } Heap;

static Event *event(long time, long id) {
  Event *e = malloc(sizeof *e);
  e->time = time;
  e->id = id;
  return e;
}

static bool before(const Event *a, const Event *b) { return a->time != b->time ? a->time < b->time : a->id < b->id; }

static void push(Heap *h, Event *e) {
  long i = ++h->size;
  while (i > 1 && before(e, h->items[i / 2])) {
    h->items[i] = h->items[i / 2];
    i /= 2;
  }
  h->items[i] = e;
}

static Event *pop(Heap *h) {
  Event *top = h->items[1], *last = h->items[h->size--];
  long n = h->size, i = 1;
  if (n > 0) {
    for (;;) {
      long child = 2 * i;
      if (child > n) break;
      if (child < n && before(h->items[child + 1], h->items[child])) child++;
      if (!before(h->items[child], last)) break;
      h->items[i] = h->items[child];
      i = child;
    }
    h->items[i] = last;
  }
  return top;
}

static long seed = 11;

static long next_random(long n) {
  seed = (seed * 3877 + 29573) % 139968;
  return seed * n / 139968;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 450000;
  Heap heap = {0, malloc(sizeof(Event *) * 2000)};
  for (long i = 1; i <= 1000; i++) push(&heap, event(next_random(1000), i));
  long h = 0;
  for (long i = 1; i <= n; i++) {
    Event *e = pop(&heap);
    h = (h * 31 + e->time + e->id) % 1000003;
    push(&heap, event(e->time + 1 + next_random(1000), 1000 + i));
    free(e);
  }
  printf("heap %ld %ld\n", heap.size, h);
  return 0;
}
