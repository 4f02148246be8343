#include "core/fec/code16_parts.h"

#include "core/base/check.h"

static void set_coefficients(struct lm_code16 *code, const struct lm_c16_cauchy *p, unsigned row,
                             unsigned rows, unsigned source, unsigned sources)
{
    uint16_t *to = code->coefficients;
    for (unsigned i = source; i < source + sources; i++)
        for (unsigned r = row; r < row + rows; r++) {
            uint16_t difference = p->source_point[i] ^ p->row_point[r];
            uint32_t sum = (uint32_t)p->source_log[i] + p->row_log[r] + LM_C16_ORDER;
            *to++ = code->exp_table[(sum - code->log_table[difference]) % LM_C16_ORDER];
        }
}

void lm_c16_dense(struct lm_code16 *code, const struct lm_c16_cauchy *cauchy,
                  const uint8_t *const src[], uint8_t *const dst[], size_t size_bytes, bool add)
{
    for (unsigned row = 0; row < cauchy->rows; row += LM_C16_DENSE_ROWS) {
        unsigned rows = LM_MIN(cauchy->rows - row, LM_C16_DENSE_ROWS);
        unsigned most = LM_C16_COEFFICIENTS / rows;
        for (unsigned i = 0; i < cauchy->sources; i += most) {
            unsigned sources = LM_MIN(cauchy->sources - i, most);
            struct lm_gf16_map map = {.field = code->field,
                                      .coefficients = code->coefficients,
                                      .rows = rows,
                                      .sources = sources,
                                      .stride = rows};
            struct lm_gf_rows at = {.src = src + i, .dst = dst + row, .size_bytes = size_bytes};
            set_coefficients(code, cauchy, row, rows, i, sources);
            code->kernel->apply(&map, &at, add || i > 0);
        }
    }
}

void lm_c16_xor(struct lm_code16 *code, const uint8_t *const src[], unsigned sources, uint8_t *dst,
                size_t src_at, size_t size_bytes, bool add)
{
    uint8_t *const to[] = {dst};
    for (unsigned i = 0; i < LM_MIN(sources, LM_C16_COEFFICIENTS); i++)
        code->coefficients[i] = 1;
    for (unsigned i = 0; i < sources; i += LM_C16_COEFFICIENTS) {
        struct lm_gf16_map map = {.field = code->field,
                                  .coefficients = code->coefficients,
                                  .rows = 1,
                                  .sources = LM_MIN(sources - i, LM_C16_COEFFICIENTS),
                                  .stride = 1};
        struct lm_gf_rows at = {
            .src = src + i, .dst = to, .src_at = src_at, .size_bytes = size_bytes};
        code->kernel->apply(&map, &at, add || i > 0);
    }
}
