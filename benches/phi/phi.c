#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static double PHI, E;

static double V(int n, int k, int m, int p, int q) {
  return n * pow(3.0, k) * pow(M_PI, m) * pow(PHI, p) * pow(E, q);
}

int main(int argc, char **argv) {
  int N = argc > 1 ? atoi(argv[1]) : 2400;
  PHI = (1 + sqrt(5)) / 2;
  E = exp(1);
  long count = 0;
  double sum = 0.0, largest = 0.0;
  for (int n = 1; n <= N; n++)
    for (int k = -4; k <= 4; k++)
      for (int m = -3; m <= 3; m++)
        for (int p = -3; p <= 3; p++)
          for (int q = -3; q <= 3; q++) {
            double v = V(n, k, m, p, q);
            if (v >= 1.0 && v <= 100.0) {
              count++;
              sum += v;
            }
            if (v > largest) largest = v;
          }
  printf("phi %ld %.3f %.3f\n", count, sum, largest);
  return 0;
}
