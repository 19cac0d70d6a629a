#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIZE = 500000 };

static void sieve(long size, long *count, long *sum) {
  bool *composite = malloc(size + 1);
  memset(composite, 0, size + 1);
  long c = 0, s = 0;
  for (long i = 2; i <= size; i++) {
    if (!composite[i]) {
      c++;
      s = (s + i) % 1000003;
      for (long j = i * i; j <= size; j += i) composite[j] = true;
    }
  }
  free(composite);
  *count = c;
  *sum = s;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 50;
  long total = 0, count = 0, sum = 0;
  for (long r = 1; r <= n; r++) {
    sieve(SIZE - r, &count, &sum);
    total = (total + count * 7 + sum) % 1000003;
  }
  printf("sieve %ld %ld %ld\n", count, sum, total);
  return 0;
}
