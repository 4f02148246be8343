/* SIMD kernels. Each has a C version, which is its definition, and levels for processors; the
 * owner of an object resolves a kernel once, when the object is made. Any thread. */
#ifndef LUMEN_CORE_DSP_DSP_H
#define LUMEN_CORE_DSP_DSP_H

#include <stddef.h>
#include <stdint.h>

/* A linear map over GF(2^8), polynomial 0x11D: the coefficient of a source for a row is
 * coefficients[source * stride + row]. Borrowed. */
struct lm_gf8_map {
    const uint8_t *coefficients;
    unsigned rows, sources; /* >= 1 */
    unsigned stride;        /* >= rows */
};

struct lm_gf8_kernel {
    const char *name;
    uint32_t cpu_flags; /* all needed */
    /* dst[row][b] = XOR over sources of coefficient * src[source][b], for b in 0..size_bytes-1,
     * size_bytes >= 1. Any alignment; reads and writes exactly these bytes. A dst overlaps neither
     * another dst nor a src. */
    void (*apply)(const struct lm_gf8_map *map, const uint8_t *const src[], uint8_t *const dst[],
                  size_t size_bytes);
};

/* The best kernel for these flags (lm_cpu_flags()); never NULL. */
const struct lm_gf8_kernel *lm_gf8_kernel(uint32_t cpu_flags);

/* All kernels of this build, best first, the last one plain C. */
const struct lm_gf8_kernel *lm_gf8_kernels(size_t *count);

#endif
