/* Sorts four signed words in place by the network of five comparisons; -DW=32 or -DW=64 (the default). */
#include <stdint.h>

#if defined W && W == 32
typedef int32_t sword;
#else
typedef int64_t sword;
#endif

static inline void order(sword *a, sword *b)
{
    sword x = *a, y = *b;
    *a = y < x ? y : x;
    *b = y < x ? x : y;
}

void sort4(sword *v)
{
    order(&v[0], &v[1]);
    order(&v[2], &v[3]);
    order(&v[0], &v[2]);
    order(&v[1], &v[3]);
    order(&v[1], &v[2]);
}
