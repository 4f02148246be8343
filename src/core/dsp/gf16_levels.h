/* The levels of the GF(2^16) kernels; private to core/dsp. */
#ifndef LUMEN_CORE_DSP_GF16_LEVELS_H
#define LUMEN_CORE_DSP_GF16_LEVELS_H

#include "core/dsp/gf16.h"

#define LM_GF16_LEVEL(level)                                                                       \
    void lm_gf16_inverse_in_##level(const struct lm_gf16_stage *s, const uint8_t *const src[],     \
                                    size_t src_at, const struct lm_gf16_area *to, bool add);       \
    void lm_gf16_inverse_##level(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,   \
                                 const struct lm_gf16_area *to, bool add);                         \
    void lm_gf16_forward_##level(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,   \
                                 const struct lm_gf16_area *to);                                   \
    void lm_gf16_forward_out_##level(const struct lm_gf16_stage *s,                                \
                                     const struct lm_gf16_area *from, uint8_t *const dst[],        \
                                     size_t dst_at);                                               \
    void lm_gf16_apply_##level(const struct lm_gf16_map *map, const struct lm_gf_rows *rows,       \
                               bool add)

/* The b-th block of a stage, as a stage of one; and where its rows lie. */
static inline struct lm_gf16_stage lm_gf16_block(const struct lm_gf16_stage *s, unsigned b)
{
    struct lm_gf16_stage one = *s;
    one.point += b << (s->first + s->levels);
    one.blocks = 1;
    return one;
}

static inline struct lm_gf16_area lm_gf16_block_area(const struct lm_gf16_stage *s,
                                                     const struct lm_gf16_area *a, unsigned b)
{
    size_t row = (size_t)b << (s->first + s->levels);
    return (struct lm_gf16_area){a->memory + row * LM_GF16_BLOCK_BYTES, a->column_bytes};
}

LM_GF16_LEVEL(c);
LM_GF16_LEVEL(avx2);
LM_GF16_LEVEL(gfni256);
LM_GF16_LEVEL(gfni512);
LM_GF16_LEVEL(neon);

#endif
