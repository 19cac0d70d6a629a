#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static int64_t seed = 7;

static int64_t next_random(void) {
  seed = (seed * 1103515 + 12345) % 2147483648;
  return seed;
}

static int ascending(const void *p, const void *q) {
  int64_t a = *(const int64_t *)p, b = *(const int64_t *)q;
  return (a > b) - (a < b);
}

static int descending(const void *p, const void *q) { return ascending(q, p); }

static int64_t *mergesort_(int64_t *a, long n) {
  int64_t *b = malloc(sizeof *b * n);
  for (long width = 1; width < n; width *= 2) {
    for (long lo = 0; lo < n; lo += 2 * width) {
      long mid = lo + width < n ? lo + width : n, hi = lo + 2 * width < n ? lo + 2 * width : n;
      long i = lo, j = mid;
      for (long k = lo; k < hi; k++) b[k] = i < mid && (j >= hi || a[i] <= a[j]) ? a[i++] : a[j++];
    }
    int64_t *t = a;
    a = b;
    b = t;
  }
  return a;
}

static long checksum(const int64_t *a, long n) {
  long h = 0;
  for (long i = 0; i < n; i++) h = (h * 31 + a[i] % 1009) % 1000003;
  return h;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 400000;
  int64_t *x = malloc(8 * n), *y = malloc(8 * n), *z = malloc(8 * n);
  for (long i = 0; i < n; i++) x[i] = y[i] = z[i] = next_random();
  qsort(x, n, 8, ascending);
  qsort(y, n, 8, descending);
  z = mergesort_(z, n);
  for (long i = 0; i < n; i++) assert(x[i] == z[i] && x[i] == y[n - 1 - i]);
  printf("sort %ld %ld %ld\n", checksum(x, n), checksum(y, n), checksum(z, n));
  return 0;
}
