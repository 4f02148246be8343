/* The levels of the GF(2^8) kernel; private to core/dsp. */
#ifndef LUMEN_CORE_DSP_GF8_H
#define LUMEN_CORE_DSP_GF8_H

#include "core/dsp/dsp.h"

void lm_gf8_apply_c(const struct lm_gf8_map *map, const uint8_t *const src[], uint8_t *const dst[],
                    size_t size_bytes);
void lm_gf8_apply_avx2(const struct lm_gf8_map *map, const uint8_t *const src[],
                       uint8_t *const dst[], size_t size_bytes);
void lm_gf8_apply_gfni256(const struct lm_gf8_map *map, const uint8_t *const src[],
                          uint8_t *const dst[], size_t size_bytes);
void lm_gf8_apply_gfni512(const struct lm_gf8_map *map, const uint8_t *const src[],
                          uint8_t *const dst[], size_t size_bytes);
void lm_gf8_apply_neon(const struct lm_gf8_map *map, const uint8_t *const src[],
                       uint8_t *const dst[], size_t size_bytes);

#define LM_GF8_TRANSFORM_LEVEL(level)                                                              \
    void lm_gf8_inverse_##level(const struct lm_gf8_transform *t, const uint8_t *const values[]);  \
    void lm_gf8_forward_##level(const struct lm_gf8_transform *t, uint8_t *const values[])

LM_GF8_TRANSFORM_LEVEL(c);
LM_GF8_TRANSFORM_LEVEL(avx2);
LM_GF8_TRANSFORM_LEVEL(gfni256);
LM_GF8_TRANSFORM_LEVEL(gfni512);
LM_GF8_TRANSFORM_LEVEL(neon);

#endif
