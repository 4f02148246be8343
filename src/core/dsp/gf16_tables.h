/* The constants of GF(2^16); private to core/dsp. A map of bytes to bytes is written as the bit
 * matrix of the GF2P8AFFINEQB instruction (byte 7 - i holds the operand's bits that make up bit i
 * of the result), or as two tables of 16 bytes, for the low and the high nibble. */
#ifndef LUMEN_CORE_DSP_GF16_TABLES_H
#define LUMEN_CORE_DSP_GF16_TABLES_H

#include "core/dsp/gf16.h"

/* A constant times a word, both in tower form, by bytes: low to low, high to low, low to high, high
 * to high; each a narrow constant. */
enum lm_gf16_part { LM_LOW_LOW, LM_HIGH_LOW, LM_LOW_HIGH, LM_HIGH_HIGH, LM_GF16_PARTS };

/* In tower form a word is low + high * b, with b * b = b + c. */
struct lm_gf_field {
    uint64_t affine[256]; /* narrow constants: one map for each byte of a row */
    uint8_t nibbles[256][32];
    uint64_t formed_affine[256]; /* the form's map (below), then a narrow constant */
    uint8_t formed_nibbles[256][32];
    uint8_t by_c[256]; /* the product of a narrow constant with c */
    uint8_t form[256]; /* plain to tower form and back: low ^= this of high */
    uint64_t form_affine;
    uint8_t form_nibbles[32];
};

/* The narrow constants that make up a constant for rows in tower form, where it is t0 + t1 b:
 * (t0 + t1 b)(low + high b) = t0 low + t1 c high + (t1 low + (t0 + t1) high) b. */
static inline void lm_gf16_parts(const struct lm_gf_field *field, uint16_t t,
                                 uint8_t part[LM_GF16_PARTS])
{
    uint8_t high = (uint8_t)(t >> 8);
    uint8_t low = (uint8_t)t ^ field->form[high];
    part[LM_LOW_LOW] = low;
    part[LM_HIGH_LOW] = field->by_c[high];
    part[LM_LOW_HIGH] = high;
    part[LM_HIGH_HIGH] = low ^ high;
}

#endif
