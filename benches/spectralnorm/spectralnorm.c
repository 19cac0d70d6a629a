#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static int n;

static double a(int i, int j) {
  double ij = i + j;
  return 1.0 / (ij * (ij + 1) * 0.5 + i + 1);
}

static void times(const double *x, double *y) {
  for (int i = 0; i < n; i++) {
    double s = 0;
    for (int j = 0; j < n; j++) s += x[j] * a(i, j);
    y[i] = s;
  }
}

static void times_transposed(const double *x, double *y) {
  for (int i = 0; i < n; i++) {
    double s = 0;
    for (int j = 0; j < n; j++) s += x[j] * a(j, i);
    y[i] = s;
  }
}

int main(int argc, char **argv) {
  n = argc > 1 ? atoi(argv[1]) : 700;
  double *u = malloc(n * sizeof *u), *v = malloc(n * sizeof *v), *t = malloc(n * sizeof *t);
  for (int i = 0; i < n; i++) u[i] = 1, v[i] = 0;
  for (int r = 0; r < 10; r++) {
    times(u, t);
    times_transposed(t, v);
    times(v, t);
    times_transposed(t, u);
  }
  double uv = 0, vv = 0;
  for (int i = 0; i < n; i++) {
    uv += u[i] * v[i];
    vv += v[i] * v[i];
  }
  printf("spectralnorm %.9f\n", sqrt(uv / vv));
  return 0;
}
