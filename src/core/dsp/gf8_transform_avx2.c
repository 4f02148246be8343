/* Two table look-ups of 16 entries per product; the tables are broadcast from memory. */
#include <immintrin.h>
#include <stdint.h>

#define VECTOR_BYTES   32
#define FUSED_LEVELS   3
#define vector         __m256i
#define constant_of(c) lm_gf8_nibbles[c]

typedef const uint8_t *constant;

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

static inline __m256i product(__m256i v, const uint8_t *nibbles)
{
    const __m128i *table = (const __m128i *)(const void *)nibbles;
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i low = _mm256_and_si256(v, nibble);
    __m256i high = _mm256_and_si256(_mm256_srli_epi64(v, 4), nibble);
    return _mm256_xor_si256(_mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table[0]), low),
                            _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table[1]), high));
}

#include "core/dsp/gf8_transform.h"

LM_GF8_TRANSFORMS(avx2)
