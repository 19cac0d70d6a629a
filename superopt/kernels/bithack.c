/*
 * Hacker's Delight p01 to p25 in the style of the book: shifts, masks, arithmetic, no builtins.
 * Compile with -DW=32 (the default) or -DW=64. Right shifts of signed words are arithmetic, as gcc and clang define
 * them; everything else is unsigned and wraps.
 */
#include <stdint.h>

#ifndef W
#define W 32
#endif
#if W == 64
typedef uint64_t word;
typedef int64_t sword;
#else
typedef uint32_t word;
typedef int32_t sword;
#endif

/* All ones divided by n: n = 3, 5, 17 and 255 give the masks 01.., 0011.., 00001111.. and a 1 in every byte. */
#define ONES(n) ((word)-1 / (n))

word p01(word x) { return x & (x - 1); }

word p02(word x) { return x & (x + 1); }

word p03(word x) { return x & -x; }

word p04(word x) { return x ^ (x - 1); }

word p05(word x) { return x | (x - 1); }

word p06(word x) { return x | (x + 1); }

word p07(word x) { return ~x & (x + 1); }

word p08(word x) { return ~x & (x - 1); }

word p09(word x)
{
    word s = (word)((sword)x >> (W - 1));
    return (x ^ s) - s;
}

word p10(word x, word y) { return (x ^ y) <= (x & y); }

word p11(word x, word y) { return (x & ~y) > y; }

word p12(word x, word y) { return (y & ~x) <= x; }

word p13(word x) { return (word)((sword)x >> (W - 1)) | (-x >> (W - 1)); }

word p14(word x, word y) { return (x & y) + ((x ^ y) >> 1); }

word p15(word x, word y) { return (x | y) - ((x ^ y) >> 1); }

word p16(word x, word y) { return ((x ^ y) & -(word)((sword)x >= (sword)y)) ^ y; }

word p17(word x) { return ((x | (x - 1)) + 1) & x; }

word p18(word x) { return ((x & (x - 1)) == 0) & (x != 0); }

/* k < W; the fields under m and m << k lie in the word and do not overlap. */
word p19(word x, word m, word k)
{
    word t = ((x >> k) ^ x) & m;
    return x ^ t ^ (t << k);
}

/* x is not zero, and there is a higher word with as many 1s. */
word p20(word x)
{
    word s = x & -x;
    word r = x + s;
    return r | (((x ^ r) >> 2) / s);
}

/* a, b and c differ; x is one of them. */
word p21(word x, word a, word b, word c)
{
    return (-(word)(x == c) & (a ^ c)) ^ (-(word)(x == a) & (b ^ c)) ^ c;
}

word p22(word x)
{
    x ^= x >> 1;
    x ^= x >> 2;
    x = (x & ONES(15)) * ONES(15);
    return (x >> (W - 4)) & 1;
}

word p23(word x)
{
    x -= (x >> 1) & ONES(3);
    x = (x & ONES(5)) + ((x >> 2) & ONES(5));
    x = (x + (x >> 4)) & ONES(17);
    return (x * ONES(255)) >> (W - 8);
}

/* 0 < x <= 2^(W - 1). */
word p24(word x)
{
    x -= 1;
    x |= x >> 1;
    x |= x >> 2;
    x |= x >> 4;
    x |= x >> 8;
    x |= x >> 16;
#if W == 64
    x |= x >> 32;
#endif
    return x + 1;
}

word p25(word x, word y)
{
    word low = ((word)1 << W / 2) - 1;
    word x0 = x & low, x1 = x >> W / 2;
    word y0 = y & low, y1 = y >> W / 2;
    word t = x1 * y0 + ((x0 * y0) >> W / 2);
    word u = x0 * y1 + (t & low);
    return x1 * y1 + (t >> W / 2) + (u >> W / 2);
}
