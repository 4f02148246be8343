#include "core/fec/code16_parts.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"

#include <string.h>

/* As few stages as can be: each is a pass over the scratch. With 32 vector registers of a block
 * each, even ones are best; other kernels take two levels at a time, and so are not given one. */
static void split_levels(struct lm_c16_split *s, unsigned levels, bool even)
{
    s->stages = (levels + LM_BUTTERFLY_MAX_LEVELS - 1) / LM_BUTTERFLY_MAX_LEVELS;
    s->first[0] = 0;
    for (unsigned g = 0; g < s->stages; g++) {
        unsigned left = levels - s->first[g], stages = s->stages - g;
        unsigned count = even ? (left + stages - 1) / stages
                              : LM_MIN(LM_BUTTERFLY_MAX_LEVELS, left - 2 * (stages - 1));
        s->first[g + 1] = s->first[g] + count;
    }
}

void lm_c16_transform_init(struct lm_c16_transform *t, const struct lm_code16 *code,
                           unsigned log_size)
{
    *t = (struct lm_c16_transform){.kernel = code->kernel, .field = code->field, .scale = 1};
    LM_DCHECK(log_size >= 1 && log_size <= 15);
    split_levels(&t->split, log_size, code->kernel->cpu_flags & LM_CPU_AVX512);
    t->rows = 1u << log_size;
}

/* The butterflies of stage `g` on the block that starts at row `start`. */
static void set_butterflies(struct lm_butterflies *b, const struct lm_c16_transform *t, unsigned g,
                            unsigned start)
{
    unsigned first = t->split.first[g], levels = t->split.first[g + 1] - first;
    b->field = t->field;
    b->levels = levels;
    b->scale = 1;
    for (unsigned l = 0; l < levels; l++) {
        unsigned label = (t->base + start) >> (first + l), blocks = 1u << (levels - 1 - l);
        for (unsigned i = 0; i < blocks; i++)
            b->twiddle[blocks - 1 + i] = (uint16_t)(label + 2 * i);
    }
}

/* Where stage `g` reads and writes; `first`, `last`: it is the first or the last to work. */
static void set_rows(struct lm_gf_rows *rows, struct lm_butterflies *b,
                     const struct lm_c16_transform *t, bool first, bool last)
{
    rows->src = first ? t->src : (const uint8_t *const *)t->work;
    rows->src_at = first ? t->src_at : t->work_at;
    b->tower_src = !first || t->tower_src;
    rows->dst = last ? t->dst : t->work;
    rows->dst_at = last ? t->dst_at : t->work_at;
    b->tower_dst = !last || t->tower_dst;
    rows->stripes = 1;
    rows->size_bytes = t->size_bytes;
}

/* Inverse butterflies of which the rows from `zeros` on are zero. */
static void inverse_part(const struct lm_c16_transform *t, const struct lm_butterflies *b,
                         const struct lm_gf_rows *rows, unsigned start, unsigned zeros, bool add)
{
    const uint8_t *src[LM_BUTTERFLY_MAX_ROWS];
    uint8_t *dst[LM_BUTTERFLY_MAX_ROWS];
    struct lm_gf_rows part = *rows;
    part.src = src;
    part.dst = dst;
    part.stride = part.stripes = 1;
    for (unsigned q = 0; q < rows->stride; q++) {
        for (unsigned r = 0; r < 1u << b->levels; r++) {
            size_t row = start + q + r * rows->stride;
            src[r] = row < zeros ? rows->src[row] : NULL;
            dst[r] = rows->dst[row];
        }
        t->kernel->inverse(b, &part, add);
    }
}

static void inverse_stage(const struct lm_c16_transform *t, unsigned g, unsigned start)
{
    struct lm_butterflies b;
    struct lm_gf_rows rows;
    bool last = g + 1 == t->split.stages, add = last && t->add;
    unsigned distance = 1u << t->split.first[g], end = start + (1u << t->split.first[g + 1]);
    unsigned zeros = (t->rows + distance - 1) & ~(distance - 1);
    if (start >= zeros)
        return;
    set_butterflies(&b, t, g, start);
    set_rows(&rows, &b, t, g == 0, last);
    b.scale = last ? t->scale : 1;
    rows.stride = distance;
    if (end > zeros) {
        inverse_part(t, &b, &rows, start, zeros, add);
        return;
    }
    rows.src += start;
    rows.dst += start;
    rows.stripes = distance;
    t->kernel->inverse(&b, &rows, add);
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
        inverse_stage(t, g, upto - size);
    }
}

void lm_c16_inverse(const struct lm_c16_transform *t)
{
    unsigned size = 1u << t->split.first[t->split.stages], step = lm_c16_inverse_step(t);
    for (unsigned upto = step; upto <= size; upto += step)
        lm_c16_inverse_upto(t, upto);
}

static void forward_stage(const struct lm_c16_transform *t, unsigned g, unsigned start)
{
    struct lm_butterflies b;
    struct lm_gf_rows rows;
    unsigned distance = 1u << t->split.first[g];
    set_butterflies(&b, t, g, start);
    set_rows(&rows, &b, t, g + 1 == t->split.stages, g == 0);
    rows.stride = rows.stripes = distance;
    rows.src += start;
    rows.dst += start;
    t->kernel->forward(&b, &rows);
}

static bool any_wanted(const struct lm_c16_transform *t, unsigned start, unsigned count)
{
    for (unsigned i = start; i < start + count; i++)
        if (t->dst[i])
            return true;
    return false;
}

void lm_c16_forward(const struct lm_c16_transform *t)
{
    unsigned size = 1u << t->split.first[t->split.stages], step = lm_c16_inverse_step(t);
    for (unsigned start = 0; start < size; start += step)
        for (unsigned g = t->split.stages; g-- > 0;) {
            unsigned block = 1u << t->split.first[g + 1];
            if (start % block == 0 && any_wanted(t, start, block))
                forward_stage(t, g, start);
        }
}

void lm_c16_lay_out(struct lm_c16_scratch *scratch, unsigned count, size_t width)
{
    /* An odd number of blocks apart, so that rows do not share a few sets of the caches. */
    size_t stride = (width / LM_C16_BLOCK | 1) * LM_C16_BLOCK;
    if (scratch->stride == stride && scratch->count >= count)
        return;
    for (unsigned i = 0; i < count; i++)
        scratch->rows[i] = scratch->memory + i * stride;
    scratch->stride = stride;
    scratch->count = count;
}

size_t lm_c16_columns(unsigned rows, size_t size_bytes)
{
    enum { SCRATCH_BYTES = 512 * 1024, MIN_COLUMNS = 512 };
    size_t most = SCRATCH_BYTES / rows & ~(size_t)(LM_C16_BLOCK - 1);
    most = LM_MAX(most, MIN_COLUMNS);
    if (size_bytes <= most)
        return size_bytes;
    /* Equal parts, for the last not to be a sliver. */
    size_t parts = (size_bytes + most - 1) / most, blocks = size_bytes / LM_C16_BLOCK;
    return (blocks + parts - 1) / parts * LM_C16_BLOCK;
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
