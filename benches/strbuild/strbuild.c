#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long build(long round, char *out) {
  char line[256];
  size_t len = 0, total = 0;
  for (long i = 1; i <= 4000; i++) {
    line[len++] = (char)(97 + (i * round) % 26);
    char digits[12];
    size_t d = 0;
    for (long v = i; v; v /= 10) digits[d++] = (char)('0' + v % 10);
    while (d) line[len++] = digits[--d];
    if (len > 200) {
      if (total) out[total++] = '\n';
      memcpy(out + total, line, len);
      total += len;
      len = 0;
    }
  }
  size_t m = total < 5000 ? total : 5000, end = total;
  out[end++] = '|';
  for (size_t i = m; i-- > 0;) out[end++] = (char)toupper((unsigned char)out[i]);
  return (long)end;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 500;
  char *out = malloc(1 << 16);
  long h = 7, bytes = 0;
  for (long round = 1; round <= n; round++) {
    long len = build(round, out);
    bytes += len;
    for (long i = 0; i < len; i += 7) h = (h * 31 + (unsigned char)out[i]) % 1000003;
  }
  printf("strbuild %ld %ld\n", bytes, h);
  return 0;
}
