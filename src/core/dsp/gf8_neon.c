/* Two table look-ups of 16 entries per product. */
#include "core/dsp/gf8_tables.h"

#include <arm_neon.h>

#define VECTOR_BYTES 16
#define vector       uint8x16_t

struct source {
    uint8x16_t low, high; /* nibbles */
};

struct factor {
    uint8x16_t low, high; /* products */
};

static inline struct source source_at(const uint8_t *p)
{
    uint8x16_t v = vld1q_u8(p);
    return (struct source){vandq_u8(v, vdupq_n_u8(15)), vshrq_n_u8(v, 4)};
}

static inline struct factor factor_of(uint8_t c)
{
    return (struct factor){vld1q_u8(lm_gf8_nibbles[c]), vld1q_u8(lm_gf8_nibbles[c] + 16)};
}

static inline uint8x16_t vector_zero(void)
{
    return vdupq_n_u8(0);
}

static inline uint8x16_t vector_load(const uint8_t *p)
{
    return vld1q_u8(p);
}

static inline void vector_store(uint8_t *p, uint8x16_t v)
{
    vst1q_u8(p, v);
}

static inline uint8x16_t add_product(uint8x16_t sum, struct source s, struct factor f)
{
    return veorq_u8(sum, veorq_u8(vqtbl1q_u8(f.low, s.low), vqtbl1q_u8(f.high, s.high)));
}

#include "core/dsp/gf8_rows.h"

void lm_gf8_apply_neon(const struct lm_gf8_map *map, const uint8_t *const src[],
                       uint8_t *const dst[], size_t size_bytes)
{
    apply(map, src, dst, size_bytes);
}
