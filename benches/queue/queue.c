#include <stdio.h>
#include <stdlib.h>

/* The two queues share an interface through function pointers, as the Lua classes do through methods. */
typedef struct Queue {
  void (*put)(struct Queue *, long);
  long (*take)(struct Queue *);
  long count;
} Queue;

typedef struct Node { long value; struct Node *next; } Node;
typedef struct { Queue base; Node *first, *last; } ListQueue;
typedef struct { Queue base; long head, tail, capacity, *items; } ArrayQueue;

static void list_put(Queue *base, long value) {
  ListQueue *q = (ListQueue *)base;
  Node *node = malloc(sizeof *node);
  node->value = value;
  node->next = NULL;
  if (q->last) q->last->next = node; else q->first = node;
  q->last = node;
  base->count++;
}

static long list_take(Queue *base) {
  ListQueue *q = (ListQueue *)base;
  Node *node = q->first;
  long value = node->value;
  q->first = node->next;
  if (!node->next) q->last = NULL;
  free(node);
  base->count--;
  return value;
}

static void array_put(Queue *base, long value) {
  ArrayQueue *q = (ArrayQueue *)base;
  if (base->count == q->capacity) {
    long *grown = malloc(sizeof *grown * q->capacity * 2);
    for (long i = 0; i < base->count; i++) grown[i] = q->items[(q->head + i) & (q->capacity - 1)];
    free(q->items);
    q->items = grown;
    q->head = 0;
    q->tail = base->count;
    q->capacity *= 2;
  }
  q->items[q->tail] = value;
  q->tail = (q->tail + 1) & (q->capacity - 1);
  base->count++;
}

static long array_take(Queue *base) {
  ArrayQueue *q = (ArrayQueue *)base;
  long value = q->items[q->head];
  q->head = (q->head + 1) & (q->capacity - 1);
  base->count--;
  return value;
}

static long exercise(Queue *q, long n) {
  long h = 0;
  for (long i = 1; i <= 100; i++) q->put(q, i);
  for (long i = 1; i <= n; i++) {
    long v = q->take(q);
    h = (h * 31 + v) % 1000003;
    q->put(q, (v * 7 + i) % 10007);
  }
  return h + q->count;
}

int main(int argc, char **argv) {
  long half = (argc > 1 ? atol(argv[1]) : 4000000) / 2;
  ListQueue l = {{list_put, list_take, 0}, NULL, NULL};
  ArrayQueue a = {{array_put, array_take, 0}, 0, 0, 16, malloc(16 * sizeof(long))};
  long x = exercise(&l.base, half), y = exercise(&a.base, half);
  printf("queue %ld %ld\n", x, y);
  return 0;
}
