/* How a GameStream frame is cut into FEC blocks, and how much parity a block gets. Pure
 * arithmetic, any thread. The receiver derives m from k and the percentage alone, so m always
 * follows from p here and never the other way round. */
#ifndef LUMEN_CORE_FEC_PLAN_H
#define LUMEN_CORE_FEC_PLAN_H

#include "core/base/err.h"

#include <stdbool.h>

#define LM_PLAN_MAX_BLOCKS      4    /* two bits on the wire */
#define LM_PLAN_MAX_SHARDS      255  /* k + m of a block with parity */
#define LM_PLAN_MAX_BARE_SHARDS 1023 /* k of a block without parity: ten bits on the wire */
#define LM_PLAN_MAX_DATA        252  /* k of a block with parity: 253 shards get 3 at 1 % */
#define LM_PLAN_MAX_PERCENT     255  /* eight bits on the wire */

struct lm_plan_block {
    unsigned k;       /* data shards, 1..1023 */
    unsigned m;       /* parity shards, 0 without parity */
    unsigned percent; /* p on the wire, 0..255; m == (k * p + 99) / 100 */
};

struct lm_plan {
    unsigned count; /* blocks, 1..4 */
    bool bare;      /* parity was asked for and had to be given up: the frame is too large */
    struct lm_plan_block blocks[LM_PLAN_MAX_BLOCKS];
};

struct lm_plan_params {
    unsigned percent;    /* F, 0..255; 0 means no parity, whatever min_parity says */
    unsigned min_parity; /* q, fewest parity shards of a block; 0..255 */
};

/* m that the receiver computes. */
unsigned lm_plan_parity(unsigned k, unsigned percent);

/* Most data shards that fit one block at this percentage: 212 at 20. */
unsigned lm_plan_max_data(unsigned percent);

/* One block of `k` data shards: the asked percentage, raised for q, lowered only as far as k + m
 * <= 255 needs. LM_EINVAL for k 0. LM_ELIMIT when k is above 1023, or parity is wanted and
 * k is above LM_PLAN_MAX_DATA: not even one percent fits. */
int lm_plan_block(struct lm_plan_block *out, unsigned k,
                  const struct lm_plan_params *params) LM_MUST_USE;

/* A whole frame of `total` data shards in even blocks. Above four protected blocks the parity is
 * given up (`bare`). LM_EINVAL for total 0, LM_ELIMIT above 4 * 1023. */
int lm_plan_frame(struct lm_plan *out, unsigned total,
                  const struct lm_plan_params *params) LM_MUST_USE;

/* Slices as blocks: block i is slice i and has `data_shards[i]` shards, count 1..4. Same errors as
 * lm_plan_block; a slice over LM_PLAN_MAX_DATA shards with parity asked for is LM_ELIMIT: the
 * caller sends that frame whole. */
int lm_plan_slices(struct lm_plan *out, const unsigned *data_shards, unsigned count,
                   const struct lm_plan_params *params) LM_MUST_USE;

#endif
