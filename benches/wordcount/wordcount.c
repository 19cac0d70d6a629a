#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 4096 };
typedef struct { char word[8]; long count; } Entry;

static long seed = 9;

static long next_random(long n) {
  seed = (seed * 3877 + 29573) % 139968;
  return seed * n / 139968;
}

static int by_rank(const void *p, const void *q) {
  const Entry *a = p, *b = q;
  if (a->count != b->count) return a->count > b->count ? -1 : 1;
  return strcmp(a->word, b->word);
}

int main(int argc, char **argv) {
  static const char *syllables[] = {"ka", "lo", "mi", "ne", "tu", "ra", "so", "vi", "pe", "du"};
  long rounds = argc > 1 ? atol(argv[1]) : 220, total = 0, h = 0;
  char *text = malloc(5000 * 8);
  static Entry table[SLOTS], ranked[SLOTS];
  while (rounds-- > 0) {
    size_t n = 0;
    for (int i = 0; i < 5000; i++) {
      if (i) text[n++] = ' ';
      for (long k = next_random(3); k >= 0; k--) {
        memcpy(text + n, syllables[next_random(10)], 2);
        n += 2;
      }
    }
    text[n] = 0;
    memset(table, 0, sizeof table);
    for (const char *p = text; *p;) {
      while (*p && !isalpha((unsigned char)*p)) p++;
      char w[8] = "";
      size_t len = 0;
      uint32_t hash = 2166136261u;
      while (isalpha((unsigned char)*p)) {
        hash = (hash ^ (unsigned char)*p) * 16777619u;
        w[len++] = *p++;
      }
      uint32_t slot = hash % SLOTS;
      while (table[slot].count && strcmp(table[slot].word, w)) slot = (slot + 1) % SLOTS;
      if (!table[slot].count) strcpy(table[slot].word, w);
      table[slot].count++;
    }
    long m = 0;
    for (int i = 0; i < SLOTS; i++)
      if (table[i].count) ranked[m++] = table[i];
    qsort(ranked, m, sizeof *ranked, by_rank);
    total += m;
    for (int i = 0; i < 20; i++) {
      size_t len = strlen(ranked[i].word);
      h = (h * 31 + ranked[i].count * 7 + ranked[i].word[len - 1] + (long)len) % 1000003;
    }
  }
  printf("wordcount %ld %ld\n", total, h);
  return 0;
}
