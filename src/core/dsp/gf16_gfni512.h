/* What the kernels for 512-bit GFNI share; private to core/dsp. A row passes by in vectors of 64
 * bytes, low half and high half of 32 words: a narrow factor is one bit-matrix product, a wide one
 * two, of the vector and of the vector with its halves swapped. */
#ifndef LUMEN_CORE_DSP_GF16_GFNI512_H
#define LUMEN_CORE_DSP_GF16_GFNI512_H

#include "core/dsp/gf16_levels.h"
#include "core/dsp/gf16_tables.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    VECTOR_BYTES = 64,
    LOW_HALF = 0x0F, /* masks of quadwords */
    HIGH_HALF = 0xF0,
};

/* What a vector and its swapped one are multiplied by. */
struct wide {
    __m512i straight, crossed;
};

INLINE __m512i add(__m512i a, __m512i b)
{
    return _mm512_xor_si512(a, b);
}

INLINE __m512i add3(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

INLINE __m512i swap(__m512i v)
{
    return _mm512_shuffle_i64x2(v, v, 0x4E);
}

INLINE __m512i all(uint64_t matrix)
{
    return _mm512_set1_epi64((long long)matrix);
}

/* Memory operands: a broadcast from there takes no arithmetic unit. */
INLINE __m512i halves(const uint64_t *low, const uint64_t *high)
{
    return _mm512_mask_blend_epi64(HIGH_HALF, all(*low), all(*high));
}

INLINE __m512i product(__m512i v, __m512i matrix)
{
    return _mm512_gf2p8affine_epi64_epi8(v, matrix, 0);
}

INLINE __m512i add_narrow(__m512i sum, __m512i v, uint64_t matrix)
{
    return add(sum, product(v, all(matrix)));
}

INLINE __m512i add_wide(__m512i sum, __m512i v, const struct wide *w)
{
    return add3(sum, product(v, w->straight), product(swap(v), w->crossed));
}

INLINE struct wide wide_of(const struct lm_gf_field *field, uint16_t t)
{
    uint8_t part[LM_GF16_PARTS];
    lm_gf16_parts(field, t, part);
    return (struct wide){
        halves(&field->affine[part[LM_LOW_LOW]], &field->affine[part[LM_HIGH_HIGH]]),
        halves(&field->affine[part[LM_HIGH_LOW]], &field->affine[part[LM_LOW_HIGH]]),
    };
}

#endif
