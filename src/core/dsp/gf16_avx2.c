/* Two table look-ups of 16 entries per product of bytes. */
#include <immintrin.h>
#include <stdint.h>

#define VECTOR_BYTES  32
#define GROUP_ROWS    2
#define vector        __m256i
#define TABLES        nibbles
#define FORMED_TABLES formed_nibbles
#define FORM          form_nibbles

typedef uint8_t table[32]; /* products of the low nibbles, of the high nibbles */

struct operand {
    __m256i low, high; /* nibbles */
};

struct constant {
    __m256i low, high; /* products, in both halves */
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
    const __m256i nibble = _mm256_set1_epi8(15);
    return (struct operand){_mm256_and_si256(v, nibble),
                            _mm256_and_si256(_mm256_srli_epi64(v, 4), nibble)};
}

static inline __m256i half_table(const uint8_t *p)
{
    return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)p));
}

static inline struct constant constant_of(const table *t)
{
    return (struct constant){half_table(*t), half_table(*t + 16)};
}

static inline struct operand operand_add(struct operand a, struct operand b)
{
    return (struct operand){add(a.low, b.low), add(a.high, b.high)};
}

static inline __m256i product(struct operand o, struct constant c)
{
    return add(_mm256_shuffle_epi8(c.low, o.low), _mm256_shuffle_epi8(c.high, o.high));
}

static inline __m256i add_product(__m256i sum, struct operand o, struct constant c)
{
    return add(sum, product(o, c));
}

static inline void table_add(table *sum, const table *a, const table *b)
{
    vector_store(*sum, add(vector_load(*a), vector_load(*b)));
}

#include "core/dsp/gf16_halves.h"

LM_GF16_HALVES(avx2)
