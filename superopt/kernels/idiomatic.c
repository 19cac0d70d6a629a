/*
 * Hacker's Delight p01 to p25 as one writes them for today's compilers: builtins, wider types, plain conditions.
 * Compile with -DW=32 (the default) or -DW=64.
 */
#include <stdint.h>

#ifndef W
#define W 32
#endif
#if W == 64
typedef uint64_t word;
typedef int64_t sword;
__extension__ typedef unsigned __int128 wide;
#define CLZ(x) __builtin_clzll(x)
#define CTZ(x) __builtin_ctzll(x)
#define POPCOUNT(x) __builtin_popcountll(x)
#define PARITY(x) __builtin_parityll(x)
#else
typedef uint32_t word;
typedef int32_t sword;
typedef uint64_t wide;
#define CLZ(x) __builtin_clz(x)
#define CTZ(x) __builtin_ctz(x)
#define POPCOUNT(x) __builtin_popcount(x)
#define PARITY(x) __builtin_parity(x)
#endif

/* Leading zeros, W of them in zero. */
static inline int nlz(word x) { return x ? CLZ(x) : W; }

word p01(word x) { return x & (x - 1); }

word p02(word x) { return x & (x + 1); }

word p03(word x) { return x & -x; }

word p04(word x) { return x ^ (x - 1); }

word p05(word x) { return x | (x - 1); }

word p06(word x) { return x | (x + 1); }

word p07(word x) { return ~x & (x + 1); }

word p08(word x) { return ~x & (x - 1); }

word p09(word x) { return (sword)x < 0 ? -x : x; }

word p10(word x, word y) { return nlz(x) == nlz(y); }

word p11(word x, word y) { return nlz(x) < nlz(y); }

word p12(word x, word y) { return nlz(x) <= nlz(y); }

word p13(word x) { return (word)(((sword)x > 0) - ((sword)x < 0)); }

word p14(word x, word y) { return (word)(((wide)x + y) >> 1); }

word p15(word x, word y) { return (word)(((wide)x + y + 1) >> 1); }

word p16(word x, word y) { return (sword)x > (sword)y ? x : y; }

word p17(word x) { return x & (x + (x & -x)); }

word p18(word x) { return POPCOUNT(x) == 1; }

/* k < W; the fields under m and m << k lie in the word and do not overlap. */
word p19(word x, word m, word k) { return (x & ~(m | m << k)) | ((x >> k) & m) | ((x & m) << k); }

/* x is not zero, and there is a higher word with as many 1s. */
word p20(word x)
{
    word r = x + (x & -x);
    return r | (((x ^ r) >> 2) >> CTZ(x));
}

/* a, b and c differ; x is one of them. */
word p21(word x, word a, word b, word c) { return x == a ? b : x == b ? c : a; }

word p22(word x) { return (word)PARITY(x); }

word p23(word x) { return (word)POPCOUNT(x); }

/* 0 < x <= 2^(W - 1). */
word p24(word x) { return x <= 1 ? 1 : (word)2 << (W - 1 - CLZ(x - 1)); }

word p25(word x, word y) { return (word)(((wide)x * y) >> W); }
