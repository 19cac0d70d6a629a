#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 500000, h = 0, size = 0;
  static const char *names[] = {"alpha", "beta", "gamma", "delta"};
  for (long i = 1; i <= n; i++) {
    char line[128], key[64];
    const char *name = names[i % 4];
    int len = snprintf(line, sizeof line, "%5ld|%-8s|%08.3f|%lx|%c", i, name, i / 7.0, i * 2654435, (int)(65 + i % 26));
    int klen = snprintf(key, sizeof key, "%s_%ld:%03ld", name, i % 1000, i % 97);
    size += len + klen;
    h = (h * 31 + line[i % len] + key[klen - 1]) % 1000003;
  }
  printf("format %ld %ld\n", size, h);
  return 0;
}
