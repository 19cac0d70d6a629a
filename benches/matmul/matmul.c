#include <stdio.h>
#include <stdlib.h>

static double *matrix(int n, int seed) {
  double *m = malloc(sizeof(double) * n * n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) m[i * n + j] = (((i + 1) * 7 + (j + 1) * 13 + seed) % 101 - 50) / 8.0;
  return m;
}

static double *transpose(const double *m, int n) {
  double *t = malloc(sizeof(double) * n * n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) t[i * n + j] = m[j * n + i];
  return t;
}

static double *multiply(const double *a, const double *b, int n) {
  double *bt = transpose(b, n), *c = malloc(sizeof(double) * n * n);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      double s = 0;
      for (int k = 0; k < n; k++) s += a[i * n + k] * bt[j * n + k];
      c[i * n + j] = s;
    }
  free(bt);
  return c;
}

int main(int argc, char **argv) {
  int n = argc > 1 ? atoi(argv[1]) : 400;
  double *c = multiply(matrix(n, 1), matrix(n, 2), n);
  double trace = 0, sum = 0;
  for (int i = 0; i < n; i++) {
    trace += c[i * n + i];
    for (int j = 0; j < n; j++) sum += c[i * n + j] * ((i + j + 2) % 3);
  }
  printf("matmul %.6f %.6f\n", trace, sum);
  return 0;
}
