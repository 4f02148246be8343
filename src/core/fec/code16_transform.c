#include "core/fec/code16_parts.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"

#include <string.h>

/* Levels in equal stages of at most `most`, after the first ones. */
static void append_stages(struct lm_c16_split *s, unsigned levels, unsigned most)
{
    unsigned count = (levels + most - 1) / most;
    for (; count; count--) {
        unsigned now = (levels + count - 1) / count;
        s->first[s->stages + 1] = s->first[s->stages] + now;
        s->stages++;
        levels -= now;
    }
}

/* Each stage is a pass over the area. With 32 vector registers of a block each, as few as can be,
 * and equal ones. Other kernels fuse up to three levels; the first stage, which changes the form
 * of rows, goes in batches of sixteen. */
static void split_levels(struct lm_c16_split *s, unsigned levels, bool large_registers)
{
    enum { FUSED_LEVELS = 3 };
    unsigned lowest = LM_MIN(levels, (unsigned)LM_GF16_STAGE_LEVELS);
    s->stages = 0;
    s->first[0] = 0;
    if (large_registers) {
        append_stages(s, levels, LM_GF16_STAGE_LEVELS);
        return;
    }
    append_stages(s, lowest, LM_GF16_STAGE_LEVELS);
    append_stages(s, levels - lowest, FUSED_LEVELS);
}

void lm_c16_transform_init(struct lm_c16_transform *t, const struct lm_code16 *code,
                           unsigned log_size)
{
    *t = (struct lm_c16_transform){.kernel = code->kernel, .field = code->field, .scale = 1};
    LM_DCHECK(log_size >= 1 && log_size <= 15);
    split_levels(&t->split, log_size, code->kernel->cpu_flags & LM_CPU_AVX512);
    t->rows = 1u << log_size;
}

/* The columns are an odd number of blocks apart, to spread over the sets of the caches. */
void lm_c16_transform_place(struct lm_c16_transform *t, const struct lm_code16 *code,
                            const struct lm_c16_columns *c)
{
    unsigned size = 1u << t->split.first[t->split.stages];
    size_t column_bytes = (size_t)(size + 1) * LM_C16_BLOCK, at = c->first * column_bytes;
    t->work = (struct lm_gf16_area){code->work + at, column_bytes};
    t->area = (struct lm_gf16_area){code->sum + at, column_bytes};
    t->columns = c->count;
}

/* Of the rows from `start` to `end`. */
static struct lm_gf16_stage stage_of(const struct lm_c16_transform *t, unsigned g, unsigned start,
                                     unsigned end)
{
    unsigned first = t->split.first[g];
    return (struct lm_gf16_stage){.field = t->field,
                                  .first = first,
                                  .levels = t->split.first[g + 1] - first,
                                  .point = t->base + start,
                                  .blocks = (end - start) >> t->split.first[g + 1],
                                  .columns = t->columns,
                                  .scale = 1};
}

static struct lm_gf16_area from_row(const struct lm_gf16_area *a, unsigned row)
{
    return (struct lm_gf16_area){a->memory + (size_t)row * LM_C16_BLOCK, a->column_bytes};
}

static void clear_rows(const struct lm_gf16_area *a, unsigned start, unsigned end, unsigned columns)
{
    for (size_t c = 0; c < columns; c++)
        memset(a->memory + c * a->column_bytes + (size_t)start * LM_C16_BLOCK, 0,
               (size_t)(end - start) * LM_C16_BLOCK);
}

/* The first stage of the rows from `start` to `end`: whole blocks of src, a part of one, nothing.
 */
static void first_inverse_stage(const struct lm_c16_transform *t, unsigned start, unsigned end,
                                const struct lm_gf16_area *area, bool add)
{
    const uint8_t *row[LM_GF16_STAGE_ROWS] = {NULL};
    unsigned size = lm_c16_inverse_step(t), rows = LM_MIN(LM_MAX(t->rows, start), end) - start;
    unsigned part = rows % size, whole = rows - part, used = whole + (part ? size : 0);
    struct lm_gf16_stage s = stage_of(t, 0, start, start + whole);
    struct lm_gf16_area to = from_row(area, start);
    s.scale = t->split.stages == 1 ? t->scale : 1;
    if (whole)
        t->kernel->inverse_in(&s, t->src + start, t->src_at, &to, add);
    if (part) {
        s.point += whole;
        s.blocks = 1;
        to = from_row(area, start + whole);
        memcpy(row, t->src + start + whole, part * sizeof row[0]);
        t->kernel->inverse_in(&s, row, t->src_at, &to, add);
    }
    if (used < end - start)
        clear_rows(area, start + used, end, t->columns);
}

static void inverse_stage(const struct lm_c16_transform *t, unsigned g, unsigned start,
                          unsigned end)
{
    struct lm_gf16_stage s = stage_of(t, g, start, end);
    bool last = g + 1 == t->split.stages;
    struct lm_gf16_area work = from_row(&t->work, start);
    s.scale = last ? t->scale : 1;
    if (g == 0)
        first_inverse_stage(t, start, end, last ? &t->area : &t->work, last && t->add);
    else if (last)
        t->kernel->inverse(&s, &work, &t->area, t->add);
    else if (start < t->rows) /* zeros stay zeros */
        t->kernel->inverse(&s, &work, &work, false);
}

unsigned lm_c16_inverse_step(const struct lm_c16_transform *t)
{
    return 1u << t->split.first[1];
}

/* Depth first: what later stages read was written a moment ago. */
void lm_c16_inverse_upto(const struct lm_c16_transform *t, unsigned upto)
{
    for (unsigned g = 0; g < t->split.stages; g++) {
        unsigned size = 1u << t->split.first[g + 1];
        if (upto % size)
            return;
        inverse_stage(t, g, upto - size, upto);
    }
}

/* The first two stages are done on as many rows as the second one takes. */
void lm_c16_inverse(const struct lm_c16_transform *t)
{
    const unsigned *first = t->split.first, stages = t->split.stages;
    unsigned size = 1u << first[stages], step = 1u << first[LM_MIN(stages, 2u)];
    for (unsigned upto = step; upto <= size; upto += step) {
        inverse_stage(t, 0, upto - step, upto);
        for (unsigned g = 1; g < stages && upto % (1u << first[g + 1]) == 0; g++)
            inverse_stage(t, g, upto - (1u << first[g + 1]), upto);
    }
}

static void forward_stage(const struct lm_c16_transform *t, unsigned g, unsigned start,
                          unsigned end)
{
    struct lm_gf16_stage s = stage_of(t, g, start, end);
    struct lm_gf16_area work = from_row(&t->work, start);
    const struct lm_gf16_area *from = g + 1 == t->split.stages ? &t->area : &work;
    if (g > 0)
        t->kernel->forward(&s, from, &work);
    else
        t->kernel->forward_out(&s, from, t->dst + start, t->dst_at);
}

static bool any_wanted(const struct lm_c16_transform *t, unsigned start, unsigned end)
{
    for (unsigned i = start; i < end; i++)
        if (t->dst[i])
            return true;
    return false;
}

/* The last stage of those blocks of which a row is wanted. */
static void last_forward_stage(const struct lm_c16_transform *t, unsigned start, unsigned end)
{
    unsigned size = lm_c16_inverse_step(t), from = start;
    for (unsigned at = start; at < end; at += size)
        if (!any_wanted(t, at, at + size)) {
            if (from < at)
                forward_stage(t, 0, from, at);
            from = at + size;
        }
    if (from < end)
        forward_stage(t, 0, from, end);
}

void lm_c16_forward(const struct lm_c16_transform *t)
{
    const unsigned *first = t->split.first, stages = t->split.stages;
    unsigned size = 1u << first[stages], step = 1u << first[LM_MIN(stages, 2u)];
    for (unsigned start = 0; start < size; start += step) {
        for (unsigned g = stages - 1; g > 0; g--) {
            unsigned end = start + (1u << first[g + 1]);
            if (start % (1u << first[g + 1]) == 0 && any_wanted(t, start, end))
                forward_stage(t, g, start, end);
        }
        last_forward_stage(t, start, start + step);
    }
}

/* Both areas in the innermost cache, if that holds a column of them. Of larger transforms as many
 * as the second cache holds, but some: lines that lie side by side come together from memory. */
unsigned lm_c16_columns(unsigned rows)
{
    enum { INNER_BYTES = 16 * 1024, OUTER_BYTES = 512 * 1024, MOST_OUTER = 8 };
    size_t column_bytes = (size_t)rows * LM_C16_BLOCK;
    if (column_bytes <= INNER_BYTES)
        return (unsigned)(INNER_BYTES / column_bytes);
    return (unsigned)LM_MAX(LM_MIN(OUTER_BYTES / column_bytes, (size_t)MOST_OUTER), (size_t)1);
}

bool lm_c16_next_columns(struct lm_c16_columns *c, unsigned most, size_t size_bytes)
{
    c->at += (size_t)c->count * LM_C16_BLOCK;
    if (c->at >= size_bytes)
        return false;
    c->count = (unsigned)LM_MIN((size_bytes - c->at) / LM_C16_BLOCK, (size_t)most);
    return true;
}

void lm_c16_tail_pad(uint8_t *block, const uint8_t *tail, size_t tail_bytes)
{
    memset(block, 0, LM_C16_BLOCK);
    memcpy(block, tail, tail_bytes / 2);
    memcpy(block + LM_C16_BLOCK / 2, tail + tail_bytes / 2, tail_bytes / 2);
}

void lm_c16_tail_unpad(uint8_t *tail, const uint8_t *block, size_t tail_bytes)
{
    memcpy(tail, block, tail_bytes / 2);
    memcpy(tail + tail_bytes / 2, block + LM_C16_BLOCK / 2, tail_bytes / 2);
}
