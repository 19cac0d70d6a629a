#include <stdio.h>
#include <stdlib.h>

enum { LIMIT = 80 };

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 1000;
  long inside = 0, hash = 0;
  for (long py = 0; py < n; py++) {
    double ci = 2.0 * py / n - 1.0;
    for (long px = 0; px < n; px++) {
      double cr = 3.0 * px / n - 2.0;
      double zr = 0, zi = 0;
      long k = 0;
      while (k < LIMIT) {
        double r2 = zr * zr, i2 = zi * zi;
        if (r2 + i2 > 4.0) break;
        zi = 2.0 * zr * zi + ci;
        zr = r2 - i2 + cr;
        k++;
      }
      if (k == LIMIT) inside++;
      hash = (hash * 31 + k) % 1000003;
    }
  }
  printf("mandelbrot %ld %ld\n", inside, hash);
  return 0;
}
