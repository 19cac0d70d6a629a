#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint32_t table[256];

static uint32_t crc32(const unsigned char *s, size_t n, uint32_t crc) {
  crc = ~crc;
  for (size_t i = 0; i < n; i++) crc = table[(crc ^ s[i]) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

int main(int argc, char **argv) {
  long n = argc > 1 ? atol(argv[1]) : 220;
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (int k = 0; k < 8; k++) c = c & 1 ? 0xEDB88320u ^ (c >> 1) : c >> 1;
    table[i] = c;
  }
  static unsigned char data[1 << 16];
  long seed = 42;
  for (size_t i = 0; i < sizeof data; i++) {
    seed = (seed * 3877 + 29573) % 139968;
    data[i] = (unsigned char)(seed % 256);
  }
  uint32_t crc = 0;
  for (long r = 0; r < n; r++) crc = crc32(data, sizeof data, crc);
  printf("crc32 %08x %08x\n", crc32((const unsigned char *)"123456789", 9, 0), crc);
  return 0;
}
