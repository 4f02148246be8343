/* SIMD kernels. Each has a C version, which is its definition, and levels for processors; the
 * owner of an object resolves a kernel once, when the object is made. Any thread. */
#ifndef LUMEN_CORE_DSP_DSP_H
#define LUMEN_CORE_DSP_DSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A linear map over GF(2^8), polynomial 0x11D: the coefficient of a source for a row is
 * coefficients[source * stride + row]. Borrowed. `add`: results are XORed onto dst instead of
 * stored; sizes are then multiples of 64. */
struct lm_gf8_map {
    const uint8_t *coefficients;
    unsigned rows, sources; /* >= 1 */
    unsigned stride;        /* >= rows */
    bool add;
};

enum { LM_GF8_MAX_LEVELS = 7 };

/* An additive transform of 2^levels rows over the points base.. (a multiple of 2^(first + levels)),
 * the neighbours being 2^first apart. Block b of level l, of 2^(l + 1) rows, has the factor
 * lm_gf8_twiddles[first + l][base + (b << (first + l + 1))]. Rows of values: values[r] + at; of
 * coefficients: area + r * stride; size_bytes each, a multiple of 64, any alignment. A row of
 * values may be that of coefficients; else nothing overlaps. */
struct lm_gf8_transform {
    unsigned levels; /* 1..7 */
    unsigned first, base;
    uint8_t scale; /* not 0 */
    bool add;
    uint8_t *area;
    size_t stride, at, size_bytes;
};

struct lm_gf8_kernel {
    const char *name;
    uint32_t cpu_flags; /* all needed */
    /* dst[row][b] = XOR over sources of coefficient * src[source][b], for b in 0..size_bytes-1,
     * size_bytes >= 1. Any alignment; reads and writes exactly these bytes. A dst overlaps neither
     * another dst nor a src. */
    void (*apply)(const struct lm_gf8_map *map, const uint8_t *const src[], uint8_t *const dst[],
                  size_t size_bytes);
    /* Values to coefficients: area = scale times the result, or ^= if `add`. From level 0 up, with
     * t the factor: upper ^= lower; lower ^= t * upper. A NULL is a row of zeros. */
    void (*inverse)(const struct lm_gf8_transform *t, const uint8_t *const values[]);
    /* Coefficients to values. From the highest level down: lower ^= t * upper; upper ^= lower.
     * A NULL is a row that nobody wants. */
    void (*forward)(const struct lm_gf8_transform *t, uint8_t *const values[]);
};

/* The best kernel for these flags (lm_cpu_flags()); never NULL. */
const struct lm_gf8_kernel *lm_gf8_kernel(uint32_t cpu_flags);

/* All kernels of this build, best first, the last one plain C. */
const struct lm_gf8_kernel *lm_gf8_kernels(size_t *count);

#endif
