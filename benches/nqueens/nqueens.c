#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int n;
static long tried;
static bool columns[64], up[128], down[128];

static long place(int row) {
  if (row > n) return 1;
  long count = 0;
  for (int c = 1; c <= n; c++) {
    int u = row + c, d = row - c + n;
    if (!(columns[c] || up[u] || down[d])) {
      tried++;
      columns[c] = up[u] = down[d] = true;
      count += place(row + 1);
      columns[c] = up[u] = down[d] = false;
    }
  }
  return count;
}

int main(int argc, char **argv) {
  n = argc > 1 ? atoi(argv[1]) : 12;
  long count = place(1);
  printf("nqueens %ld %ld\n", count, tried);
  return 0;
}
