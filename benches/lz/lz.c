#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long seed = 5;

static long next_random(long n) {
  seed = (seed * 3877 + 29573) % 139968;
  return seed * n / 139968;
}

static long make(uint8_t *data, long size) {
  static uint8_t words[200][10];
  long lengths[200], n = 0;
  for (int i = 0; i < 200; i++) {
    lengths[i] = 2 + next_random(8);
    for (int k = 0; k < lengths[i]; k++) words[i][k] = (uint8_t)(97 + next_random(26));
  }
  while (n < size) {
    long w = next_random(200);
    memcpy(data + n, words[w], lengths[w]);
    n += lengths[w];
    data[n++] = 32;
  }
  return n;
}

/* A full table of last positions, indexed by the three bytes; entries count from 1 and are cleared
   again after each run, since clearing all of it would cost more than the compression. */
static int32_t *last;

static uint32_t key_at(const uint8_t *p) { return (uint32_t)p[0] << 16 | p[1] << 8 | p[2]; }

static long compress(const uint8_t *data, long n, uint8_t *out) {
  long m = 0, i = 0;
  while (i < n) {
    long length = 0, distance = 0;
    if (i + 2 < n) {
      uint32_t key = key_at(data + i);
      long from = last[key] - 1;
      if (from >= 0 && i - from < 65536) {
        while (length < 255 && i + length < n && data[from + length] == data[i + length]) length++;
        distance = i - from;
      }
      last[key] = (int32_t)(i + 1);
    }
    if (length >= 4) {
      out[m++] = (uint8_t)length;
      out[m++] = (uint8_t)(distance % 256);
      out[m++] = (uint8_t)(distance / 256);
      i += length;
    } else {
      out[m++] = 0;
      out[m++] = data[i++];
    }
  }
  for (i = 0; i + 2 < n; i++) last[key_at(data + i)] = 0;
  return m;
}

static long decompress(const uint8_t *code, long m, uint8_t *data) {
  long n = 0, i = 0;
  while (i < m) {
    long length = code[i];
    if (length == 0) {
      data[n++] = code[i + 1];
      i += 2;
    } else {
      long from = n - (code[i + 1] + code[i + 2] * 256);
      for (long k = 0; k < length; k++) data[n + k] = data[from + k];
      n += length;
      i += 3;
    }
  }
  return n;
}

int main(int argc, char **argv) {
  long rounds = argc > 1 ? atol(argv[1]) : 40, h = 0, packed = 0;
  uint8_t *data = malloc(1 << 18), *code = malloc(1 << 19), *back = malloc(1 << 18);
  last = calloc(1 << 24, sizeof(int32_t));
  while (rounds-- > 0) {
    long n = make(data, 100000), m = compress(data, n, code), k = decompress(code, m, back);
    assert(k == n && memcmp(data, back, n) == 0);
    packed += m;
    for (long i = 0; i < m; i++) h = (h * 31 + code[i]) % 1000003;
  }
  printf("lz %ld %ld\n", packed, h);
  return 0;
}
