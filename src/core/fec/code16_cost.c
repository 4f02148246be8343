/* Choosing how to decode, by what each way costs. Work is counted in rows of 64 bytes. */
#include "core/fec/code16_parts.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"

/* Nanoseconds on one machine; only their ratios matter. */
struct costs {
    double call;        /* of a kernel, beside the work on its rows */
    double row, level;  /* of a row in a stage of butterflies, and for each level */
    double edge, scale; /* of a source, beside that; of scaling it */
    double product;     /* of a row of a dense product */
    double coefficient; /* of it, whatever the length of the rows */
    double point;       /* of the locator, and for each level */
};

static const struct costs of_512_bits = {25, 0.45, 0.25, 1.5, 0.6, 0.85, 7, 0.35};
static const struct costs of_256_bits = {25, 1.7, 0.6, 2, 2, 1.2, 7, 0.35};
static const struct costs of_shuffles = {25, 2, 1.1, 3, 3, 2.7, 7, 0.35};
static const struct costs of_c = {40, 5, 28, 50, 50, 70, 10, 0.35};

static const struct costs *costs_of(const struct lm_gf16_kernel *kernel)
{
    if (kernel->cpu_flags & LM_CPU_AVX512)
        return &of_512_bits;
    if (kernel->cpu_flags & LM_CPU_GFNI)
        return &of_256_bits;
    return kernel->cpu_flags ? &of_shuffles : &of_c;
}

/* Per row of transforms of size 2^levels. */
static double transform_cost(const struct costs *c, unsigned levels, double columns)
{
    unsigned stages = (levels + LM_GF16_STAGE_LEVELS - 1) / LM_GF16_STAGE_LEVELS;
    double rows = (double)(1u << levels), at_once = LM_MIN(columns, lm_c16_columns(1u << levels));
    return stages * (c->call / (rows * at_once) + c->row) + levels * c->level;
}

static double sum_cost(const struct costs *c, const struct lm_c16_repair *r,
                       const struct lm_c16_shape *s, unsigned levels, double columns)
{
    double transform = transform_cost(c, levels, columns);
    double scale = levels < s->log_slots ? c->scale : 0;
    return r->sources * (transform + c->edge + scale) + (double)(1u << levels) * transform;
}

/* From the contribution of the present data to the lost data. */
static double evaluate_cost(const struct costs *c, const struct lm_c16_repair *r,
                            const struct lm_c16_shape *s, double columns)
{
    unsigned bits = lm_c16_log_ceiling(s->k + s->slots);
    double size = (double)(1u << r->log_size);
    double blocks = LM_MIN((s->k + size - 1) / size, (double)r->lost_count);
    return (blocks + 1) * size * transform_cost(c, r->log_size, columns) +
           2.0 * r->lost_count * (c->edge + c->scale + c->call / columns) +
           (double)(1u << bits) * bits * c->point / columns;
}

void lm_c16_choose(struct lm_code16 *code, const struct lm_c16_shape *s)
{
    struct lm_c16_repair *r = &code->repair;
    const struct costs *c = costs_of(code->kernel);
    double columns = (double)((s->size_bytes + LM_C16_BLOCK - 1) / LM_C16_BLOCK);
    double small = sum_cost(c, r, s, r->log_size, columns);
    double large = sum_cost(c, r, s, s->log_slots, columns);
    double product = c->product + c->coefficient / columns;
    double dense = (double)r->lost_count * r->sources * product;
    double solve = (double)r->lost_count * r->lost_count * product;
    double evaluate = evaluate_cost(c, r, s, columns);
    r->log_sum = small < large ? r->log_size : s->log_slots;
    r->method = code->method;
    if (r->method == LM_CODE16_AUTO)
        r->method = solve <= evaluate ? LM_CODE16_MIXED : LM_CODE16_TRANSFORM;
    if (r->lost_count == 1 || (code->method == LM_CODE16_AUTO &&
                               dense + solve <= LM_MIN(small, large) + LM_MIN(solve, evaluate)))
        r->method = LM_CODE16_DENSE;
}
