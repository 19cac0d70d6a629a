#include <stdio.h>
#include <stdlib.h>

enum { MAX = 16 };

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 10;
  int perm[MAX], work[MAX], count[MAX] = {0};
  for (int i = 0; i < n; i++) perm[i] = i;
  long sum = 0, most = 0;
  int even = 1;
  for (;;) {
    int first = perm[0];
    if (first != 0) {
      for (int i = 0; i < n; i++) work[i] = perm[i];
      long flips = 0;
      while (first != 0) {
        for (int i = 0, j = first; i < j; i++, j--) {
          int t = work[i];
          work[i] = work[j];
          work[j] = t;
        }
        flips++;
        first = work[0];
      }
      if (flips > most) most = flips;
      sum += even ? flips : -flips;
    }
    even = !even;
    int r = 1;
    for (;;) {
      if (r >= n) {
        printf("fannkuch %ld %ld\n", sum, most);
        return 0;
      }
      int p = perm[0];
      for (int i = 0; i < r; i++) perm[i] = perm[i + 1];
      perm[r] = p;
      if (++count[r] <= r) break;
      count[r] = 0;
      r++;
    }
  }
}
