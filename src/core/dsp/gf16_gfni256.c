/* One bit-matrix product per product of bytes; for processors with GFNI but without AVX-512. */
#include <immintrin.h>
#include <stdint.h>

#define VECTOR_BYTES  32
#define GROUP_ROWS    4
#define vector        __m256i
#define TABLES        affine
#define FORMED_TABLES formed_affine
#define FORM          form_affine

typedef uint64_t table;

struct operand {
    __m256i v;
};

struct constant {
    __m256i matrix;
};

static inline __m256i vector_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline void vector_store(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

static inline __m256i vector_zero(void)
{
    return _mm256_setzero_si256();
}

static inline __m256i add(__m256i a, __m256i b)
{
    return _mm256_xor_si256(a, b);
}

static inline struct operand operand_of(__m256i v)
{
    return (struct operand){v};
}

static inline struct constant constant_of(const table *t)
{
    return (struct constant){_mm256_set1_epi64x((long long)*t)};
}

static inline struct operand operand_add(struct operand a, struct operand b)
{
    return (struct operand){add(a.v, b.v)};
}

static inline __m256i product(struct operand o, struct constant c)
{
    return _mm256_gf2p8affine_epi64_epi8(o.v, c.matrix, 0);
}

static inline __m256i add_product(__m256i sum, struct operand o, struct constant c)
{
    return add(sum, product(o, c));
}

static inline void table_add(table *sum, const table *a, const table *b)
{
    *sum = *a ^ *b;
}

#include "core/dsp/gf16_halves.h"

LM_GF16_HALVES(gfni256)
