/* Sums of logarithms over XORs of points are a convolution, which the Walsh-Hadamard transform
 * turns into a product. Modulo 65535 the inverse of 2^s is 2^(16 - s), and no sum here leaves 32
 * bits, so that the transform itself needs no reduction. */
#include "core/fec/code16_parts.h"

#include <string.h>

/* In place; two's complement, wrapping. */
static void walsh_hadamard(uint32_t *v, unsigned bits)
{
    unsigned n = 1u << bits, d = 1;
    for (; 4 * d <= n; d *= 4)
        for (unsigned start = 0; start < n; start += 4 * d) {
            uint32_t *restrict p = v + start;
            for (unsigned i = 0; i < d; i++) {
                uint32_t a = p[i], b = p[i + d], c = p[i + 2 * d], e = p[i + 3 * d];
                p[i] = a + b + (c + e);
                p[i + d] = a - b + (c - e);
                p[i + 2 * d] = a + b - (c + e);
                p[i + 3 * d] = a - b - (c - e);
            }
        }
    for (unsigned i = 0; d < n && i < d; i++) {
        uint32_t a = v[i], b = v[i + d];
        v[i] = a + b;
        v[i + d] = a - b;
    }
}

/* The same number modulo 65535, in 16 bits. */
static int32_t reduce(uint32_t wrapped)
{
    int32_t v = (int32_t)wrapped, sum = (v >> 16) + (v & 0xFFFF);
    return sum > 32767 ? sum - LM_C16_ORDER : sum;
}

/* Also divides by 2^bits, which a transform there and back multiplies by. */
static void make_spectrum(struct lm_c16_locator *l, unsigned bits)
{
    int16_t *to = l->spectra + (1u << bits);
    for (unsigned i = 0; i < 1u << bits; i++)
        l->log_of[i] = (uint32_t)reduce(l->log_table[i]);
    walsh_hadamard(l->log_of, bits);
    for (unsigned i = 0; i < 1u << bits; i++) {
        int64_t v = (int64_t)reduce(l->log_of[i]) * (65536 >> bits) % LM_C16_ORDER;
        to[i] = (int16_t)(v > 32767 ? v - LM_C16_ORDER : v < -32767 ? v + LM_C16_ORDER : v);
    }
    l->known |= 1u << bits;
}

uint32_t *lm_c16_erasures(struct lm_c16_locator *l, unsigned bits)
{
    if (!(l->known >> bits & 1))
        make_spectrum(l, bits);
    memset(l->log_of, 0, sizeof *l->log_of << bits);
    return l->log_of;
}

void lm_c16_locate(struct lm_c16_locator *l, unsigned bits)
{
    const int16_t *spectrum = l->spectra + (1u << bits);
    uint32_t *v = l->log_of;
    walsh_hadamard(v, bits);
    for (unsigned i = 0; i < 1u << bits; i++)
        v[i] = (uint32_t)reduce(v[i] * (uint32_t)(int32_t)spectrum[i]);
    walsh_hadamard(v, bits);
    for (unsigned i = 0; i < 1u << bits; i++) {
        int32_t sum = reduce(v[i]);
        v[i] = (uint32_t)(sum < 0 ? sum + LM_C16_ORDER : sum);
    }
}
