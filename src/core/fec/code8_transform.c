#include "core/dsp/gf8_tables.h"
#include "core/fec/code8_parts.h"

#include <string.h>

/* What a dense product costs per row and source, a transform per row and level, and a scaled sum
 * per row and coset; measured with GFNI and AVX2. CALL_COST is that of entering a kernel, spread
 * over the columns. */
#define DENSE_COST  3
#define LEVEL_COST  3
#define SUM_COST    4
#define CALL_COST   80
#define FACTOR_COST 12
#define COLUMN      LM_CODE8_COLUMN_BYTES

static const uint8_t zeros[LM_CODE8_MAX_TILE_BYTES];

/* Rounded up to whole ones, in bytes. */
static size_t columns(size_t size_bytes)
{
    return (size_bytes + COLUMN - 1) / COLUMN * COLUMN;
}

unsigned lm_code8_dense_cost(unsigned rows, unsigned sources)
{
    return rows * sources * DENSE_COST;
}

static unsigned transform_cost(const struct lm_code8_plan *plan, unsigned levels)
{
    return ((1u << levels) * levels * LEVEL_COST) +
           (CALL_COST + FACTOR_COST * (1u << levels)) * COLUMN / (unsigned)plan->tile_bytes;
}

static unsigned coset_cost(const struct lm_code8_plan *plan, unsigned levels)
{
    return transform_cost(plan, levels) + (1u << levels) * SUM_COST;
}

/* Of lifting the block of 2^levels points that begins at a and holds the last parity and the first
 * data; see lift(). */
static unsigned lift_cost(const struct lm_code8_plan *plan, unsigned m, unsigned levels, unsigned a)
{
    unsigned cost = 0;
    for (; levels > plan->lift; levels--) {
        unsigned half = 1u << (levels - 1);
        cost += coset_cost(plan, levels - 1);
        if (m > a + half) {
            cost += transform_cost(plan, 1) * half;
            a += half;
        } else if (m == a + half) {
            return cost;
        }
    }
    return cost + lm_code8_dense_cost(m - a, a + (1u << levels) - m) + transform_cost(plan, levels);
}

static unsigned head_cost(struct lm_code8_plan *plan, unsigned k, unsigned m)
{
    struct lm_code8_plan lifted = *plan;
    unsigned best = lm_code8_dense_cost(plan->rows, plan->head);
    plan->head_dense = true;
    for (lifted.lift = 1; lifted.lift <= plan->levels; lifted.lift++) {
        unsigned cost = lift_cost(&lifted, m, plan->levels, 0);
        if (cost >= best)
            continue;
        best = cost;
        plan->head_dense = false;
        plan->lift = lifted.lift;
    }
    return best;
}

static struct lm_code8_plan plan_with(unsigned levels, unsigned k, unsigned m)
{
    struct lm_code8_plan plan = {.levels = levels, .lift = 1};
    unsigned size = 1u << levels;
    plan.rows = LM_MIN(m, size);
    plan.head = m < size ? LM_MIN(size - m, k) : 0;
    plan.area_rows = LM_MAX(m, size);
    plan.tile_bytes = LM_CODE8_AREA_BYTES / plan.area_rows / COLUMN * COLUMN;
    plan.tile_bytes = LM_MIN(plan.tile_bytes, LM_CODE8_MAX_TILE_BYTES);
    unsigned left = (m + k) % size, coset = coset_cost(&plan, levels);
    unsigned first = LM_MAX(m, size) / size, after = (m + k) / size;
    plan.tail = k;
    if (after > first && left && lm_code8_dense_cost(plan.rows, left) < coset)
        plan.tail = k - left;
    plan.cost = transform_cost(&plan, levels) + lm_code8_dense_cost(m - plan.rows, k) +
                lm_code8_dense_cost(plan.rows, k - plan.tail);
    plan.cost += ((m + plan.tail + size - 1) / size - first) * coset;
    if (plan.head)
        plan.cost += head_cost(&plan, k, m);
    return plan;
}

void lm_code8_make_plan(struct lm_code8_plan *plan, unsigned k, unsigned m)
{
    *plan = (struct lm_code8_plan){.tail = k, .cost = lm_code8_dense_cost(m, k)};
    for (unsigned levels = 2; levels <= LM_GF8_MAX_LEVELS && 1u << levels < 2 * m; levels++) {
        if (m + k <= 1u << levels) /* no coset */
            break;
        struct lm_code8_plan other = plan_with(levels, k, m);
        if (other.cost < plan->cost)
            *plan = other;
    }
}

/* Of the coset of 2^levels points that begins at c, for parity that begins at a: W' / W(c + a). */
static uint8_t coset_scale(unsigned levels, unsigned c, unsigned a)
{
    /* W' / W(2^levels), by levels */
    static const uint8_t unit[] = {0x01, 0x7a, 0x20, 0x29, 0x1f, 0xc2, 0xe8, 0x47};
    return lm_gf8_multiply(unit[levels], lm_gf8_inverse(lm_gf8_twiddles[levels][c ^ a]));
}

bool lm_code8_next_tile(struct lm_code8_tile *tile, size_t shard_bytes)
{
    size_t most = tile->most_bytes, at = tile->at + tile->size_bytes;
    if (at >= shard_bytes)
        return false;
    size_t count = (shard_bytes + most - 1) / most;
    size_t even = columns(LM_MIN((shard_bytes + count - 1) / count, shard_bytes - COLUMN + 1));
    tile->size_bytes = LM_MIN(even, columns(shard_bytes - at));
    tile->at = LM_MIN(at, shard_bytes - tile->size_bytes);
    return true;
}

static void rows_of(uint8_t *row[], unsigned count, uint8_t *at, size_t stride)
{
    for (unsigned r = 0; r < count; r++)
        row[r] = at + r * stride;
}

/* What the data at points c.. adds to the parity at points a.., 2^levels each. */
static void coset(const struct lm_code8_tile *t, unsigned levels, unsigned c, unsigned a,
                  uint8_t *to, bool add)
{
    struct lm_gf8_transform inverse = {.levels = levels,
                                       .base = c,
                                       .scale = coset_scale(levels, c, a),
                                       .add = add,
                                       .area = to,
                                       .stride = t->size_bytes,
                                       .at = t->at,
                                       .size_bytes = t->size_bytes};
    t->code->kernel->inverse(&inverse, t->point + c);
}

void lm_code8_coset(const struct lm_code8_tile *tile, unsigned c, bool add)
{
    coset(tile, tile->code->plan.levels, c, 0, tile->sums, add);
}

unsigned lm_code8_first_coset(const struct lm_code8 *code)
{
    unsigned size = 1u << code->plan.levels;
    return LM_MAX(code->m, size) / size * size;
}

/* Rows of the parity from a range of the data, stored or added. */
struct part {
    unsigned row, rows, from, count;
    bool add;
};

static void dense(const struct lm_code8_tile *t, const struct part *p, uint8_t *const dst[],
                  size_t dst_at)
{
    const struct lm_code8 *code = t->code;
    const uint8_t *src[LM_CODE8_MAX_SHARDS];
    uint8_t *to[LM_CODE8_MAX_SHARDS];
    struct lm_gf8_map map = {.coefficients = code->coefficients + p->from * code->m + p->row,
                             .rows = p->rows,
                             .sources = p->count,
                             .stride = code->m,
                             .add = p->add};
    for (unsigned i = 0; i < p->count; i++) {
        const uint8_t *shard = t->point[code->m + p->from + i];
        src[i] = shard ? shard + t->at : zeros;
    }
    for (unsigned r = 0; r < p->rows; r++)
        to[r] = dst[p->row + r] + dst_at;
    code->kernel->apply(&map, src, to, t->size_bytes);
}

/* The end of a lift: values of the parity in the block, the others being free, and thus zero, give
 * coefficients. */
static void lift_dense(const struct lm_code8_tile *t, unsigned levels, unsigned a, uint8_t *to)
{
    unsigned m = t->code->m, end = LM_MIN(a + (1u << levels), m + t->code->k);
    struct part p = {.row = a, .rows = m - a, .from = 0, .count = end - m};
    uint8_t *row[LM_CODE8_POINTS] = {NULL};
    rows_of(row + a, m - a, to, t->size_bytes);
    dense(t, &p, row, 0);
    struct lm_gf8_transform inverse = {.levels = levels,
                                       .base = a,
                                       .scale = 1,
                                       .area = to,
                                       .stride = t->size_bytes,
                                       .size_bytes = t->size_bytes};
    t->code->kernel->inverse(&inverse, (const uint8_t *const *)row + a);
}

/* Coefficients of the block of 2^levels points that begins at a, whose parity is what the data of
 * the same block adds to it. Where the parity ends in the lower half, the upper half's coefficients
 * are free: zero; else the halves are joined by a butterfly. */
static void lift(const struct lm_code8_tile *t, unsigned levels, unsigned a, uint8_t *to)
{
    unsigned m = t->code->m, half = 1u << (levels - 1);
    size_t half_bytes = half * t->size_bytes;
    if (levels <= t->code->plan.lift) {
        lift_dense(t, levels, a, to);
        return;
    }
    if (m <= a + half) {
        if (m < a + half)
            lift(t, levels - 1, a, to);
        coset(t, levels - 1, a + half, a, to, m < a + half);
        memset(to + half_bytes, 0, half_bytes);
        return;
    }
    coset(t, levels - 1, a + half, a, to, false);
    lift(t, levels - 1, a + half, to + half_bytes);
    const uint8_t *row[] = {to, to + half_bytes};
    struct lm_gf8_transform join = {.levels = 1,
                                    .first = levels - 1,
                                    .base = a,
                                    .scale = 1,
                                    .area = to,
                                    .stride = half_bytes,
                                    .size_bytes = half_bytes};
    t->code->kernel->inverse(&join, row);
}

void lm_code8_lift(const struct lm_code8_tile *tile)
{
    lift(tile, tile->code->plan.levels, 0, tile->sums);
}

void lm_code8_evaluate(const struct lm_code8_tile *tile, uint8_t *const dst[], size_t dst_at)
{
    const struct lm_code8_plan *plan = &tile->code->plan;
    struct lm_gf8_transform forward = {.levels = plan->levels,
                                       .scale = 1,
                                       .area = tile->sums,
                                       .stride = tile->size_bytes,
                                       .at = dst_at,
                                       .size_bytes = tile->size_bytes};
    uint8_t *wanted[1 << LM_GF8_MAX_LEVELS];
    for (unsigned r = 0; r < 1u << plan->levels; r++)
        wanted[r] = r < plan->rows ? dst[r] : NULL;
    tile->code->kernel->forward(&forward, wanted);
    struct part head = {.rows = plan->rows, .from = 0, .count = plan->head, .add = true};
    if (plan->head && plan->head_dense)
        dense(tile, &head, dst, dst_at);
    struct part tail = {
        .rows = plan->rows, .from = plan->tail, .count = tile->code->k - plan->tail, .add = true};
    if (tail.count)
        dense(tile, &tail, dst, dst_at);
}

void lm_code8_rest(const struct lm_code8_tile *tile, uint8_t *const dst[], size_t dst_at)
{
    const struct lm_code8 *code = tile->code;
    struct part p = {.row = code->plan.rows, .rows = code->m - code->plan.rows, .count = code->k};
    if (p.rows)
        dense(tile, &p, dst, dst_at);
}

void lm_code8_transform(const struct lm_code8_tile *tile, uint8_t *const dst[], size_t dst_at)
{
    const struct lm_code8_plan *plan = &tile->code->plan;
    bool add = plan->head && !plan->head_dense;
    unsigned end = tile->code->m + plan->tail;
    if (add)
        lm_code8_lift(tile);
    for (unsigned c = lm_code8_first_coset(tile->code); c < end; c += 1u << plan->levels) {
        lm_code8_coset(tile, c, add);
        add = true;
    }
    lm_code8_evaluate(tile, dst, dst_at);
    lm_code8_rest(tile, dst, dst_at);
}

size_t lm_code8_block_tile(unsigned levels)
{
    return LM_MIN(LM_CODE8_AREA_BYTES >> levels, LM_CODE8_MAX_TILE_BYTES);
}

unsigned lm_code8_block_cost(const struct lm_code8 *code, unsigned levels)
{
    struct lm_code8_plan plan = {.tile_bytes = lm_code8_block_tile(levels)};
    unsigned cosets = ((code->m + code->k - 1) >> levels) - (code->m >> levels) + 1;
    return cosets * coset_cost(&plan, levels) + transform_cost(&plan, levels);
}

void lm_code8_transform_block(const struct lm_code8_tile *tile, const struct lm_code8_block *block,
                              uint8_t *const values[])
{
    unsigned size = 1u << block->levels, end = tile->code->m + tile->code->k;
    struct lm_gf8_transform forward = {.levels = block->levels,
                                       .base = block->first,
                                       .scale = 1,
                                       .area = tile->sums,
                                       .stride = tile->size_bytes,
                                       .size_bytes = tile->size_bytes};
    bool add = false;
    for (unsigned c = tile->code->m / size * size; c < end; c += size, add = true)
        coset(tile, block->levels, c, block->first, tile->sums, add);
    tile->code->kernel->forward(&forward, values);
}
