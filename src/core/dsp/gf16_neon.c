/* Two table look-ups of 16 entries per product of bytes. */
#include <arm_neon.h>
#include <stdint.h>

#define VECTOR_BYTES  16
#define GROUP_ROWS    4
#define vector        uint8x16_t
#define TABLES        nibbles
#define FORMED_TABLES formed_nibbles
#define FORM          form_nibbles

typedef uint8_t table[32]; /* products of the low nibbles, of the high nibbles */

struct operand {
    uint8x16_t low, high; /* nibbles */
};

struct constant {
    uint8x16_t low, high; /* products */
};

static inline uint8x16_t vector_load(const uint8_t *p)
{
    return vld1q_u8(p);
}

static inline void vector_store(uint8_t *p, uint8x16_t v)
{
    vst1q_u8(p, v);
}

static inline uint8x16_t vector_zero(void)
{
    return vdupq_n_u8(0);
}

static inline uint8x16_t add(uint8x16_t a, uint8x16_t b)
{
    return veorq_u8(a, b);
}

static inline struct operand operand_of(uint8x16_t v)
{
    return (struct operand){vandq_u8(v, vdupq_n_u8(15)), vshrq_n_u8(v, 4)};
}

static inline struct constant constant_of(const table *t)
{
    return (struct constant){vld1q_u8(*t), vld1q_u8(*t + 16)};
}

static inline struct operand operand_add(struct operand a, struct operand b)
{
    return (struct operand){veorq_u8(a.low, b.low), veorq_u8(a.high, b.high)};
}

static inline uint8x16_t product(struct operand o, struct constant c)
{
    return veorq_u8(vqtbl1q_u8(c.low, o.low), vqtbl1q_u8(c.high, o.high));
}

static inline uint8x16_t add_product(uint8x16_t sum, struct operand o, struct constant c)
{
    return veorq_u8(sum, product(o, c));
}

static inline void table_add(table *sum, const table *a, const table *b)
{
    vector_store(*sum, add(vector_load(*a), vector_load(*b)));
    vector_store(*sum + 16, add(vector_load(*a + 16), vector_load(*b + 16)));
}

#include "core/dsp/gf16_halves.h"

LM_GF16_HALVES(neon)
