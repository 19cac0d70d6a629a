#include <stdio.h>
#include <stdlib.h>

typedef struct Tree { struct Tree *left, *right; } Tree;

static Tree *build(int depth) {
  Tree *t = malloc(sizeof *t);
  t->left = depth ? build(depth - 1) : NULL;
  t->right = depth ? build(depth - 1) : NULL;
  return t;
}

static long nodes(const Tree *t) { return t->left ? 1 + nodes(t->left) + nodes(t->right) : 1; }

static void drop(Tree *t) {
  if (t->left) {
    drop(t->left);
    drop(t->right);
  }
  free(t);
}

static long count(int depth) {
  Tree *t = build(depth);
  long c = nodes(t);
  drop(t);
  return c;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 17;
  Tree *lasting = build(n);
  long total = count(n + 1);
  for (int depth = 4; depth <= n; depth += 4) {
    long rounds = 1L << (n - depth + 2);
    for (long r = 0; r < rounds; r++) total += count(depth);
  }
  printf("binarytrees %ld %ld\n", nodes(lasting), total);
  drop(lasting);
  return 0;
}
