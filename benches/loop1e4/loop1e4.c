#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t inner(int64_t s) {
  for (int64_t i = 1; i <= 10000; i++) s = (s * 3 + i) % 65521;
  return s;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 8000;
  int64_t s = 1;
  for (long r = 0; r < n; r++) s = inner(s);
  printf("loop1e4 %ld\n", (long)s);
  return 0;
}
