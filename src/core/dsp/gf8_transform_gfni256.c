/* Bit-matrix products on 32 bytes, for processors with GFNI but without AVX-512. */
#include <immintrin.h>
#include <stdint.h>

#define VECTOR_BYTES   32
#define FUSED_LEVELS   4
#define vector         __m256i
#define constant_of(c) lm_gf8_affine[c]

typedef uint64_t constant;

static inline __m256i vector_zero(void)
{
    return _mm256_setzero_si256();
}

static inline __m256i vector_load(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

static inline void vector_store(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

static inline __m256i vector_add(__m256i a, __m256i b)
{
    return _mm256_xor_si256(a, b);
}

static inline __m256i vector_add3(__m256i a, __m256i b, __m256i c)
{
    return _mm256_xor_si256(a, _mm256_xor_si256(b, c));
}

static inline __m256i product(__m256i v, uint64_t matrix)
{
    return _mm256_gf2p8affine_epi64_epi8(v, _mm256_set1_epi64x((long long)matrix), 0);
}

#include "core/dsp/gf8_transform.h"

LM_GF8_TRANSFORMS(gfni256)
