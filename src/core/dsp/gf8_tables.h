/* GF(2^8) with polynomial 0x11D and generator 2: constants for kernels and codes. */
#ifndef LUMEN_CORE_DSP_GF8_TABLES_H
#define LUMEN_CORE_DSP_GF8_TABLES_H

#include <stdint.h>

/* Products of a factor with 0..15 in bytes 0..15, with 0x00, 0x10 .. 0xf0 in bytes 16..31. */
extern const uint8_t lm_gf8_nibbles[256][32];

/* A factor as the bit matrix of the GF2P8AFFINEQB instruction, whose own multiplication has
 * another polynomial. */
extern const uint64_t lm_gf8_affine[256];

/* 2^n for n in 0..764 (three periods, so that the sum of three logarithms is an index), and its
 * inverse; the logarithm of 0 does not exist. */
extern const uint8_t lm_gf8_exp[765];
extern const uint8_t lm_gf8_log[256];

/* Factors of an additive transform whose points are the elements themselves: [i][w] is that of
 * level i (see gf16.h) for the block that begins at point w. It is W(w) / W(2^i), where W vanishes
 * on the elements below 2^i. */
extern const uint8_t lm_gf8_twiddles[8][256];

static inline uint8_t lm_gf8_multiply(uint8_t a, uint8_t b)
{
    return lm_gf8_nibbles[a][b & 15] ^ lm_gf8_nibbles[a][16 + (b >> 4)];
}

/* 1 / a; a is not 0. */
static inline uint8_t lm_gf8_inverse(uint8_t a)
{
    return lm_gf8_exp[255 - lm_gf8_log[a]];
}

#endif
