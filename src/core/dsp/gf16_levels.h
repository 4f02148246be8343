/* The levels of the GF(2^16) kernels; private to core/dsp. */
#ifndef LUMEN_CORE_DSP_GF16_LEVELS_H
#define LUMEN_CORE_DSP_GF16_LEVELS_H

#include "core/dsp/gf16.h"

#define LM_GF16_LEVEL(level)                                                                       \
    void lm_gf16_inverse_##level(const struct lm_butterflies *b, const struct lm_gf_rows *rows,    \
                                 bool add);                                                        \
    void lm_gf16_forward_##level(const struct lm_butterflies *b, const struct lm_gf_rows *rows);   \
    void lm_gf16_apply_##level(const struct lm_gf16_map *map, const struct lm_gf_rows *rows,       \
                               bool add)

LM_GF16_LEVEL(c);
LM_GF16_LEVEL(avx2);
LM_GF16_LEVEL(gfni256);
LM_GF16_LEVEL(gfni512);
LM_GF16_LEVEL(neon);

#endif
