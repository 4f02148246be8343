/* One bit-matrix product per multiplication; for processors with GFNI but without AVX-512. */
#include "core/dsp/gf8_tables.h"

#include <immintrin.h>

#define VECTOR_BYTES 32
#define vector       __m256i

struct source {
    __m256i v;
};

struct factor {
    __m256i matrix;
};

static inline struct source source_at(const uint8_t *p)
{
    return (struct source){_mm256_loadu_si256((const __m256i *)(const void *)p)};
}

static inline struct factor factor_of(uint8_t c)
{
    return (struct factor){_mm256_set1_epi64x((long long)lm_gf8_affine[c])};
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
    return _mm256_xor_si256(sum, _mm256_gf2p8affine_epi64_epi8(s.v, f.matrix, 0));
}

#include "core/dsp/gf8_rows.h"

void lm_gf8_apply_gfni256(const struct lm_gf8_map *map, const uint8_t *const src[],
                          uint8_t *const dst[], size_t size_bytes)
{
    apply(map, src, dst, size_bytes);
}
