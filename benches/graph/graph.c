#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 2000 };
typedef struct Block {
  long id, order, depth;
  int nsucc, npred, cpred;
  struct Block *succ[2], **pred, *idom;
} Block;

static long seed = 13;

static long next_random(long n) {
  seed = (seed * 3877 + 29573) % 139968;
  return seed * n / 139968;
}

static void edge(Block *a, Block *b) {
  a->succ[a->nsucc++] = b;
  if (b->npred == b->cpred) {
    b->cpred = b->cpred ? 2 * b->cpred : 4;
    b->pred = realloc(b->pred, sizeof *b->pred * b->cpred);
  }
  b->pred[b->npred++] = a;
}

static void generate(Block *blocks) {
  for (int i = 0; i < COUNT; i++) {
    int keep = blocks[i].cpred;
    Block **pred = blocks[i].pred;
    blocks[i] = (Block){.id = i + 1, .cpred = keep, .pred = pred};
  }
  for (long i = 1; i < COUNT; i++) {
    edge(&blocks[i - 1], &blocks[i]);
    long kind = next_random(4);
    if (kind == 0) {
      long to = i + 2 + next_random(10);
      edge(&blocks[i - 1], &blocks[(to < COUNT ? to : COUNT) - 1]);
    } else if (kind == 1 && i > 20) {
      edge(&blocks[i - 1], &blocks[i - next_random(20) - 1]);
    }
  }
}

static int number(Block *entry, Block **order) {
  static Block *stack[COUNT], *post[COUNT];
  static int child[COUNT];
  static bool seen[COUNT + 1];
  memset(seen, 0, sizeof seen);
  int top = 0, n = 0;
  stack[0] = entry;
  child[0] = 0;
  seen[entry->id] = true;
  while (top >= 0) {
    Block *b = stack[top];
    if (child[top] < b->nsucc) {
      Block *s = b->succ[child[top]++];
      if (!seen[s->id]) {
        seen[s->id] = true;
        stack[++top] = s;
        child[top] = 0;
      }
    } else {
      top--;
      post[n++] = b;
    }
  }
  for (int i = 0; i < n; i++) {
    order[i] = post[n - 1 - i];
    order[i]->order = i + 1;
  }
  return n;
}

static Block *meet(Block *a, Block *b) {
  while (a != b) {
    while (a->order > b->order) a = a->idom;
    while (b->order > a->order) b = b->idom;
  }
  return a;
}

static int dominators(Block **order, int n) {
  int rounds = 0;
  bool changed = true;
  order[0]->idom = order[0];
  while (changed) {
    changed = false;
    rounds++;
    for (int i = 1; i < n; i++) {
      Block *b = order[i], *dom = NULL;
      for (int k = 0; k < b->npred; k++) {
        Block *p = b->pred[k];
        if (p->idom) dom = dom ? meet(p, dom) : p;
      }
      if (b->idom != dom) {
        b->idom = dom;
        changed = true;
      }
    }
  }
  return rounds;
}

static bool dominates(Block *a, Block *b) {
  while (b->order > a->order) b = b->idom;
  return a == b;
}

static int loops(Block **order, int n) {
  static Block *work[COUNT];
  static int body[COUNT + 1];
  memset(body, 0, sizeof body);
  int count = 0;
  for (int i = n - 1; i >= 0; i--) {
    Block *header = order[i];
    int mark = i + 1, m = 0;
    for (int k = 0; k < header->npred; k++) {
      Block *p = header->pred[k];
      if (p->order > 0 && dominates(header, p)) {
        body[header->id] = mark;
        if (body[p->id] != mark) {
          body[p->id] = mark;
          work[m++] = p;
        }
      }
    }
    if (body[header->id] == mark) {
      count++;
      header->depth++;
      while (m > 0) {
        Block *b = work[--m];
        b->depth++;
        for (int k = 0; k < b->npred; k++) {
          Block *p = b->pred[k];
          if (body[p->id] != mark) {
            body[p->id] = mark;
            work[m++] = p;
          }
        }
      }
    }
  }
  return count;
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 100, h = 0, total = 0;
  static Block blocks[COUNT], *order[COUNT];
  while (rounds-- > 0) {
    generate(blocks);
    int n = number(blocks, order), passes = dominators(order, n);
    total += loops(order, n);
    for (int i = 0; i < n; i++) h = (h * 31 + order[i]->id + order[i]->idom->id * 3 + order[i]->depth) % 1000003;
    h = (h + passes) % 1000003;
  }
  printf("graph %ld %ld\n", total, h);
  return 0;
}
