/* The inside of GameStream's erasure code; private to core/fec.
 *
 * Parity j sits at point j, data i at point m + i; points are field elements, the coefficient of
 * two points is the inverse of their sum. Let W vanish on the elements below S = 2^levels and W' be
 * the product of those but 0. For a coset of S data points that begins at c, W'/W(c) times the
 * interpolation of the data gives coefficients whose evaluation at 0..S-1 is what the coset adds to
 * parity 0..S-1. So the scaled coefficients of all cosets are summed, and one evaluation gives the
 * parity: additive transforms of size S in place of a dense product. */
#ifndef LUMEN_CORE_FEC_CODE8_PARTS_H
#define LUMEN_CORE_FEC_CODE8_PARTS_H

#include "core/base/check.h"
#include "core/dsp/dsp.h"
#include "core/fec/code8.h"

enum {
    LM_CODE8_POINTS = 256,
    LM_CODE8_MAX_LOST = LM_CODE8_MAX_SHARDS / 2,
    LM_CODE8_MAX_PRODUCT = 128 * 127, /* the largest k * m with k + m <= 255 */
    LM_CODE8_COLUMN_BYTES = 64,       /* of the transforms */
    LM_CODE8_AREA_BYTES = 16 * 1024,
    LM_CODE8_MAX_TILE_BYTES = 2048,
};

/* How parity is computed, by estimated cost. */
struct lm_code8_plan {
    unsigned levels; /* of the transform; 0: a dense product alone */
    unsigned rows;   /* parity that the transform gives, from 0 on: at most 2^levels; the others are
                      * dense */
    unsigned head;   /* data whose points lie below 2^levels, among the parity's */
    bool head_dense; /* its part is added to the results, else lifted into the sums */
    unsigned lift;   /* lifting ends with a dense product for blocks of so many levels */
    unsigned tail;   /* data from here on is dense: too few for a coset */
    unsigned area_rows;
    size_t tile_bytes; /* columns at a time, so that area_rows of them stay in the cache */
    unsigned cost;
};

struct lm_code8 {
    const struct lm_gf8_kernel *kernel;
    unsigned k, m; /* k == 0: an unused slot */
    bool cauchy;   /* coefficients are 1 / ((m + i) ^ j) */
    struct lm_code8_plan plan;
    int8_t spectrum[LM_CODE8_POINTS];           /* of the logarithms, modulo 255; for decode */
    uint8_t coefficients[LM_CODE8_MAX_PRODUCT]; /* [i * m + j] */
};

void lm_code8_set_spectrum(struct lm_code8 *code);

/* The plan of least cost. */
void lm_code8_make_plan(struct lm_code8_plan *plan, unsigned k, unsigned m);

/* The same unit as plan->cost. */
unsigned lm_code8_dense_cost(unsigned rows, unsigned sources);

/* Some columns of a block, under work. */
struct lm_code8_tile {
    const struct lm_code8 *code;
    const uint8_t *const *point; /* [LM_CODE8_POINTS] shards; NULL counts as zero */
    size_t most_bytes;           /* of columns at a time; a multiple of 64 */
    size_t at, size_bytes;       /* columns; a multiple of 64 */
    uint8_t *sums;               /* coefficients, 2^levels rows of size_bytes */
};

/* Iterates over the columns: begins with `tile->size_bytes` 0; false after the last. The last tile
 * may overlap the one before: results must be stored, not added. shard_bytes >= 64. */
bool lm_code8_next_tile(struct lm_code8_tile *tile, size_t shard_bytes);

/* Stores the part of the head in the sums; where the head is not empty and not dense. */
void lm_code8_lift(const struct lm_code8_tile *tile);

/* The coset of data that begins at point c, into the sums: stored or added. */
void lm_code8_coset(const struct lm_code8_tile *tile, unsigned c, bool add);

/* The first point of the first coset. */
unsigned lm_code8_first_coset(const struct lm_code8 *code);

/* Sums into rows 0..plan.rows-1 of the parity, dst[r] + dst_at: evaluation, and what is dense. dst
 * may be the rows of the sums. */
void lm_code8_evaluate(const struct lm_code8_tile *tile, uint8_t *const dst[], size_t dst_at);

/* Rows plan.rows..m-1 of the parity from all data. */
void lm_code8_rest(const struct lm_code8_tile *tile, uint8_t *const dst[], size_t dst_at);

/* A block of 2^levels points from `first` on (a multiple of that), all of them parity: what the
 * data at hand adds to it, by transforms of the block's size. Points below m count as zero, so they
 * are NULL in the tile. */
struct lm_code8_block {
    unsigned levels, first;
};
size_t lm_code8_block_tile(unsigned levels); /* columns at a time */
/* The same unit as plan->cost. */
unsigned lm_code8_block_cost(const struct lm_code8 *code, unsigned levels);
/* Into values[0..2^levels-1], rows of the sums; NULL: not wanted. */
void lm_code8_transform_block(const struct lm_code8_tile *tile, const struct lm_code8_block *block,
                              uint8_t *const values[]);

/* All parity: lift, cosets, evaluation, rest. */
void lm_code8_transform(const struct lm_code8_tile *tile, uint8_t *const dst[], size_t dst_at);

#endif
