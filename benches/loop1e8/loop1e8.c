#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int64_t n = argc > 1 ? atoll(argv[1]) : 100000000;
  int64_t s = 0;
  for (int64_t i = 1; i <= n; i++) s += i;
  printf("loop1e8 %ld\n", (long)s);
  return 0;
}
