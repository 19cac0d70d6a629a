/* x = a x + y on 32-bit integers, which wrap: four elements, unrolled. */
#include <stdint.h>

void saxpy(uint32_t *restrict x, const uint32_t *restrict y, uint32_t a)
{
    x[0] = a * x[0] + y[0];
    x[1] = a * x[1] + y[1];
    x[2] = a * x[2] + y[2];
    x[3] = a * x[3] + y[3];
}
