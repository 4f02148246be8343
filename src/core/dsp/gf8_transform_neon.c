/* Two table look-ups of 16 entries per product. */
#include <arm_neon.h>
#include <stdint.h>

#define VECTOR_BYTES   16
#define FUSED_LEVELS   4
#define vector         uint8x16_t
#define constant_of(c) lm_gf8_nibbles[c]

typedef const uint8_t *constant;

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

static inline uint8x16_t vector_add(uint8x16_t a, uint8x16_t b)
{
    return veorq_u8(a, b);
}

static inline uint8x16_t vector_add3(uint8x16_t a, uint8x16_t b, uint8x16_t c)
{
    return veorq_u8(a, veorq_u8(b, c));
}

static inline uint8x16_t product(uint8x16_t v, const uint8_t *nibbles)
{
    uint8x16_t low = vqtbl1q_u8(vld1q_u8(nibbles), vandq_u8(v, vdupq_n_u8(15)));
    return veorq_u8(low, vqtbl1q_u8(vld1q_u8(nibbles + 16), vshrq_n_u8(v, 4)));
}

#include "core/dsp/gf8_transform.h"

LM_GF8_TRANSFORMS(neon)
