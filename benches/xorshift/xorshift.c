#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 30000000;
  uint64_t x = 88172645463325252u, sum = 0;
  for (long i = 0; i < n; i++) {
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    sum += (x * 0x2545F4914F6CDD1Du) >> 11;
  }
  printf("xorshift %016lx %016lx\n", x, sum);
  return 0;
}
