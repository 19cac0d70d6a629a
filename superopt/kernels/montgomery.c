/*
 * The step of Montgomery multiplication: np times the 64-bit word mh:ml, plus c0, plus c1, in 128 bits.
 * It cannot overflow: (2^64 - 1)^2 + 2 (2^64 - 1) = 2^128 - 1.
 */
#include <stdint.h>

struct wide {
    uint64_t low;
    uint64_t high;
};

/* By the compiler's 128-bit type. */
struct wide montgomery_wide(uint64_t c0, uint64_t np, uint32_t ml, uint32_t mh, uint64_t c1)
{
    __extension__ typedef unsigned __int128 u128;
    u128 t = (u128)np * ((uint64_t)mh << 32 | ml) + c0 + c1;
    struct wide r = {(uint64_t)t, (uint64_t)(t >> 64)};
    return r;
}

/* By products of 32-bit parts. */
struct wide montgomery_parts(uint64_t c0, uint64_t np, uint32_t ml, uint32_t mh, uint64_t c1)
{
    uint64_t nl = np & 0xffffffff, nh = np >> 32;
    uint64_t a = nl * ml;
    uint64_t b = nh * ml + (a >> 32);
    uint64_t c = nl * mh + (b & 0xffffffff);
    uint64_t low = c << 32 | (a & 0xffffffff);
    uint64_t high = nh * mh + (b >> 32) + (c >> 32);
    low += c0;
    high += low < c0;
    low += c1;
    high += low < c1;
    struct wide r = {low, high};
    return r;
}
