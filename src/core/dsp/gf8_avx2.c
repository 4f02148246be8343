/* Two table look-ups of 16 entries per product. */
#include "core/dsp/gf8_tables.h"

#include <immintrin.h>

#define VECTOR_BYTES 32
#define vector       __m256i

struct source {
    __m256i low, high; /* nibbles */
};

struct factor {
    __m256i low, high; /* products, in both halves */
};

static inline struct source source_at(const uint8_t *p)
{
    const __m256i nibble = _mm256_set1_epi8(15);
    __m256i v = _mm256_loadu_si256((const __m256i *)(const void *)p);
    return (struct source){_mm256_and_si256(v, nibble),
                           _mm256_and_si256(_mm256_srli_epi64(v, 4), nibble)};
}

static inline struct factor factor_of(uint8_t c)
{
    const __m128i *table = (const __m128i *)(const void *)lm_gf8_nibbles[c];
    return (struct factor){_mm256_broadcastsi128_si256(table[0]),
                           _mm256_broadcastsi128_si256(table[1])};
}

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

static inline __m256i add_product(__m256i sum, struct source s, struct factor f)
{
    __m256i low = _mm256_shuffle_epi8(f.low, s.low), high = _mm256_shuffle_epi8(f.high, s.high);
    return _mm256_xor_si256(sum, _mm256_xor_si256(low, high));
}

#include "core/dsp/gf8_rows.h"

void lm_gf8_apply_avx2(const struct lm_gf8_map *map, const uint8_t *const src[],
                       uint8_t *const dst[], size_t size_bytes)
{
    apply(map, src, dst, size_bytes);
}
