#include "core/fec/code8_parts.h"

#include <stdlib.h>
#include <string.h>

#define BATCH  8 /* shards to a dense step */
#define COLUMN LM_CODE8_COLUMN_BYTES

struct lm_code8_encoder {
    unsigned max_parity;
    size_t max_bytes;
    const struct lm_code8 *code; /* NULL: no block begun */
    size_t shard_bytes;
    bool transform;
    unsigned added; /* shards so far */
    unsigned dense; /* of these in the dense rows */
    unsigned coset; /* the first point of the next coset */
    bool summed;    /* the sums hold something */
    const uint8_t *point[LM_CODE8_POINTS];
    size_t row_bytes; /* max_bytes, rounded up */
    uint8_t *sums;    /* tile after tile; behind them dense rows, each padded to row_bytes */
};

static unsigned power_of_two(unsigned least)
{
    unsigned n = 1;
    while (n < least)
        n *= 2;
    return n;
}

int lm_code8_encoder_create(struct lm_code8_encoder **out, unsigned max_parity,
                            size_t max_shard_bytes)
{
    *out = NULL;
    if (max_parity < 1 || max_parity >= LM_CODE8_MAX_SHARDS || max_shard_bytes < 1 ||
        max_shard_bytes > UINT16_MAX)
        return LM_EINVAL;
    struct lm_code8_encoder *e = calloc(1, sizeof *e);
    if (!e)
        return LM_ENOMEM;
    e->max_parity = max_parity;
    e->max_bytes = max_shard_bytes;
    e->row_bytes = (max_shard_bytes + COLUMN - 1) / COLUMN * COLUMN;
    e->sums = aligned_alloc(COLUMN, power_of_two(max_parity) * e->row_bytes);
    if (!e->sums) {
        lm_code8_encoder_destroy(e);
        return LM_ENOMEM;
    }
    *out = e;
    return 0;
}

void lm_code8_encoder_destroy(struct lm_code8_encoder *encoder)
{
    if (!encoder)
        return;
    free(encoder->sums);
    free(encoder);
}

/* Parity rows that the transform does not give. */
static unsigned first_dense_row(const struct lm_code8_encoder *e)
{
    return e->transform ? e->code->plan.rows : 0;
}

static uint8_t *dense_row(const struct lm_code8_encoder *e, unsigned row)
{
    unsigned before = e->transform ? (1u << e->code->plan.levels) + row - e->code->plan.rows : row;
    return e->sums + before * e->row_bytes;
}

int lm_code8_encoder_begin(struct lm_code8_encoder *e, const struct lm_code8 *code,
                           size_t shard_bytes)
{
    e->code = NULL;
    if (lm_code8_parity(code) > e->max_parity || shard_bytes < 1 || shard_bytes > e->max_bytes)
        return LM_EINVAL;
    e->code = code;
    e->shard_bytes = shard_bytes;
    e->transform = code->plan.levels && shard_bytes >= COLUMN;
    e->added = e->dense = 0;
    e->coset = e->transform ? lm_code8_first_coset(code) : 0;
    e->summed = false;
    memset(e->point, 0, sizeof e->point);
    return 0;
}

/* Products of the shards not yet in the dense rows. */
static void add_dense(struct lm_code8_encoder *e)
{
    _Alignas(COLUMN) uint8_t padded[BATCH][COLUMN];
    const struct lm_code8 *code = e->code;
    const uint8_t *src[BATCH];
    uint8_t *dst[LM_CODE8_MAX_SHARDS];
    unsigned first = first_dense_row(e);
    size_t body = e->shard_bytes / COLUMN * COLUMN, rest = e->shard_bytes - body;
    struct lm_gf8_map map = {.coefficients = code->coefficients + e->dense * code->m + first,
                             .rows = code->m - first,
                             .sources = e->added - e->dense,
                             .stride = code->m,
                             .add = e->dense > 0};
    for (unsigned r = 0; r < map.rows; r++)
        dst[r] = dense_row(e, first + r);
    for (unsigned i = 0; i < map.sources; i++)
        src[i] = e->point[code->m + e->dense + i];
    e->dense = e->added;
    if (body)
        code->kernel->apply(&map, src, dst, body);
    if (!rest)
        return;
    for (unsigned i = 0; i < map.sources; i++) {
        memset(padded[i], 0, COLUMN);
        memcpy(padded[i], src[i] + body, rest);
        src[i] = padded[i];
    }
    for (unsigned r = 0; r < map.rows; r++)
        dst[r] += body;
    code->kernel->apply(&map, src, dst, COLUMN);
}

static bool next_tile(const struct lm_code8_encoder *e, struct lm_code8_tile *tile)
{
    if (!tile->code)
        *tile = (struct lm_code8_tile){.code = e->code,
                                       .point = e->point,
                                       .sums = e->sums,
                                       .most_bytes = e->code->plan.tile_bytes};
    else
        tile->sums += tile->size_bytes << e->code->plan.levels;
    return lm_code8_next_tile(tile, e->shard_bytes);
}

static void add_transform(struct lm_code8_encoder *e)
{
    const struct lm_code8_plan *plan = &e->code->plan;
    unsigned size = 1u << plan->levels, end = e->code->m + plan->tail;
    struct lm_code8_tile tile = {0};
    if (plan->head && !plan->head_dense && e->added == plan->head) {
        while (next_tile(e, &tile))
            lm_code8_lift(&tile);
        e->summed = true;
    }
    if (e->coset >= end || e->code->m + e->added < LM_MIN(e->coset + size, end))
        return;
    tile.code = NULL;
    while (next_tile(e, &tile))
        lm_code8_coset(&tile, e->coset, e->summed);
    e->summed = true;
    e->coset += size;
}

int lm_code8_encoder_add(struct lm_code8_encoder *e, const uint8_t *shard)
{
    if (!e->code || e->added == e->code->k)
        return LM_EINVAL;
    e->point[e->code->m + e->added++] = shard;
    if (e->transform)
        add_transform(e);
    bool enough = e->added - e->dense == BATCH || e->added == e->code->k;
    if (enough && first_dense_row(e) < e->code->m)
        add_dense(e);
    else if (enough)
        e->dense = e->added;
    return 0;
}

int lm_code8_encoder_finish(struct lm_code8_encoder *e, uint8_t *const parity[])
{
    if (!e->code || e->added < e->code->k)
        return LM_EINVAL;
    struct lm_code8_tile tile = {0};
    while (e->transform && next_tile(e, &tile))
        lm_code8_evaluate(&tile, parity, tile.at);
    for (unsigned r = first_dense_row(e); r < e->code->m; r++)
        memcpy(parity[r], dense_row(e, r), e->shard_bytes);
    e->code = NULL;
    return 0;
}
