/* Bit-matrix products on 64 bytes; the matrix is broadcast from memory as an operand. */
#include <immintrin.h>
#include <stdint.h>

#define VECTOR_BYTES   64
#define FUSED_LEVELS   4
#define vector         __m512i
#define constant_of(c) lm_gf8_affine[c]

typedef uint64_t constant;

static inline __m512i vector_zero(void)
{
    return _mm512_setzero_si512();
}

static inline __m512i vector_load(const uint8_t *p)
{
    return _mm512_loadu_si512(p);
}

static inline void vector_store(uint8_t *p, __m512i v)
{
    _mm512_storeu_si512(p, v);
}

static inline __m512i vector_add(__m512i a, __m512i b)
{
    return _mm512_xor_si512(a, b);
}

static inline __m512i vector_add3(__m512i a, __m512i b, __m512i c)
{
    return _mm512_ternarylogic_epi64(a, b, c, 0x96);
}

static inline __m512i product(__m512i v, uint64_t matrix)
{
    return _mm512_gf2p8affine_epi64_epi8(v, _mm512_set1_epi64((long long)matrix), 0);
}

#include "core/dsp/gf8_transform.h"

LM_GF8_TRANSFORMS(gfni512)
