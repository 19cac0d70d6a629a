#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static const uint32_t program[] = {
  // BEGIN PROGRAM (made by tools/assemble.lua)
  0x00050413, 0x123454b7, 0x67848493, 0x00000917, 0x1f490913, 0x10000993, 0x00000a17, 0x5e8a0a13,
  0x7d000a93, 0x04040263, 0x04c000ef, 0x07c000ef, 0x0d4000ef, 0x128000ef, 0x00050b13, 0x00100893,
  0x00000073, 0x16c000ef, 0x00100893, 0x00000073, 0x00a4c4b3, 0x016484b3, 0x00049463, 0x00100493,
  0xfff40413, 0xfc1ff06f, 0x05d00893, 0x00000513, 0x00000073, 0x00090293, 0x00098313, 0x00d49393,
  0x0074c4b3, 0x0114d393, 0x0074c4b3, 0x00549393, 0x0074c4b3, 0x0092a023, 0x00428293, 0xfff30313,
  0xfc031ee3, 0x00008067, 0x0019d293, 0x04028a63, 0x00028313, 0x05335263, 0x00231393, 0x012383b3,
  0x0003ae03, 0x00030e93, 0x00229f13, 0x025ec063, 0x41e385b3, 0x0005a603, 0x00ce5a63, 0x00c3a023,
  0x00058393, 0x405e8eb3, 0xfe5ff06f, 0x01c3a023, 0x00130313, 0xfc1ff06f, 0x0012d293, 0xfb1ff06f,
  0x00008067, 0xff010113, 0x00112623, 0x00812423, 0x00090413, 0xfff98313, 0x00042503, 0x00442583,
  0x030000ef, 0x02050063, 0x00440413, 0xfff30313, 0xfe0314e3, 0x00812403, 0x00c12083, 0x01010113,
  0x00008067, 0x00100513, 0x05d00893, 0x00000073, 0x00a5a533, 0x00154513, 0x00008067, 0x00000293,
  0x005a0333, 0x00030023, 0x00128293, 0xff52cae3, 0x00000513, 0x00200293, 0x00100e13, 0x005a0333,
  0x00034383, 0x02039063, 0x00150513, 0x00528333, 0x01535a63, 0x006a03b3, 0x01c38023, 0x00530333,
  0xff1ff06f, 0x00128293, 0xfd52cae3, 0x00008067, 0xedb88f37, 0x320f0f13, 0xfff00513, 0x00090293,
  0x00299313, 0x01230333, 0x0002c383, 0x00754533, 0x00800e13, 0x00157e93, 0x41d00eb3, 0x01eefeb3,
  0x00155513, 0x01d54533, 0xfffe0e13, 0xfe0e14e3, 0x00128293, 0xfc62eae3, 0xfff54513, 0x00008067,
  // END PROGRAM
};

enum { MEMORY = 16384 };

typedef struct {
  uint32_t mem[MEMORY / 4], x[32], pc;
  uint64_t count, hash;
} Machine;

static uint32_t load(Machine *m, int f3, uint32_t address) {
  if (address >= MEMORY) abort();
  uint32_t word = m->mem[address >> 2];
  if (f3 == 2) return word;
  if (f3 == 0 || f3 == 4) {
    uint32_t byte = word >> (address & 3) * 8 & 0xFF;
    return f3 == 0 ? (uint32_t)(int8_t)byte : byte;
  }
  uint32_t half = word >> (address & 2) * 8 & 0xFFFF;
  return f3 == 1 ? (uint32_t)(int16_t)half : half;
}

static void store(Machine *m, int f3, uint32_t address, uint32_t value) {
  if (address >= MEMORY) abort();
  uint32_t *word = &m->mem[address >> 2];
  if (f3 == 2) {
    *word = value;
  } else if (f3 == 0) {
    int shift = (address & 3) * 8;
    *word = (*word & ~(0xFFu << shift)) | (value & 0xFF) << shift;
  } else {
    int shift = (address & 2) * 8;
    *word = (*word & ~(0xFFFFu << shift)) | (value & 0xFFFF) << shift;
  }
}

static uint32_t alu(int f3, bool alternative, uint32_t a, uint32_t b) {
  switch (f3) {
    case 0: return alternative ? a - b : a + b;
    case 1: return a << (b & 31);
    case 2: return (int32_t)a < (int32_t)b;
    case 3: return a < b;
    case 4: return a ^ b;
    case 5: return alternative ? (uint32_t)((int32_t)a >> (b & 31)) : a >> (b & 31);
    case 6: return a | b;
    default: return a & b;
  }
}

static bool taken(int f3, uint32_t a, uint32_t b) {
  switch (f3) {
    case 0: return a == b;
    case 1: return a != b;
    case 4: return (int32_t)a < (int32_t)b;
    case 5: return (int32_t)a >= (int32_t)b;
    case 6: return a < b;
    default: return a >= b;
  }
}

static bool step(Machine *m) {
  uint32_t *x = m->x, pc = m->pc, w = m->mem[pc >> 2], next = pc + 4;
  int rd = w >> 7 & 31, f3 = w >> 12 & 7;
  uint32_t a = x[w >> 15 & 31], b = x[w >> 20 & 31];
  int32_t sw = (int32_t)w;
  m->count++;
  switch (w & 0x7F) {
    case 0x13: x[rd] = alu(f3, f3 == 5 && (w & 0x40000000), a, (uint32_t)(sw >> 20)); break;
    case 0x33: x[rd] = alu(f3, w & 0x40000000, a, b); break;
    case 0x63:
      if (taken(f3, a, b)) {
        uint32_t offset = (w >> 8 & 15) << 1 | (w >> 25 & 63) << 5 | (w >> 7 & 1) << 11;
        next = pc + offset - (sw < 0 ? 4096 : 0);
      }
      break;
    case 0x03: x[rd] = load(m, f3, a + (uint32_t)(sw >> 20)); break;
    case 0x23: store(m, f3, a + ((uint32_t)(sw >> 25) << 5 | rd), b); break;
    case 0x6F: {
      uint32_t offset = (w >> 21 & 0x3FF) << 1 | (w >> 20 & 1) << 11 | (w >> 12 & 0xFF) << 12;
      x[rd] = next;
      next = pc + offset - (sw < 0 ? 0x100000 : 0);
      break;
    }
    case 0x67:
      x[rd] = next;
      next = (a + (uint32_t)(sw >> 20)) & ~1u;
      break;
    case 0x37: x[rd] = w & 0xFFFFF000; break;
    case 0x17: x[rd] = pc + (w & 0xFFFFF000); break;
    case 0x73:
      if (x[17] == 93) return false;
      m->hash = (m->hash * 31 + x[10]) % 1000000007;
      break;
    default: abort();
  }
  x[0] = 0;
  m->pc = next;
  return true;
}

int main(int argc, char **argv) {
  static Machine m;
  for (size_t i = 0; i < sizeof program / sizeof *program; i++) m.mem[i] = program[i];
  m.x[2] = MEMORY;
  m.x[10] = argc > 1 ? (uint32_t)atol(argv[1]) : 150;
  while (step(&m)) {}
  printf("rv32i %u %lu %lu\n", m.x[10], m.count, m.hash);
  return 0;
}
