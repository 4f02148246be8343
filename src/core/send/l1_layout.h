/* How the shards of one push become blocks, and the order in which they leave. Pure arithmetic, any
 * thread. Blocks are as even as can be, the larger ones first. */
#ifndef LUMEN_CORE_SEND_L1_LAYOUT_H
#define LUMEN_CORE_SEND_L1_LAYOUT_H

#include "core/base/err.h"
#include "core/wire/l1_video.h"

#include <stdbool.h>
#include <stdint.h>

#define LM_L1_MAX_PERCENT 100

struct lm_l1_split {
    uint32_t data;     /* shards of the push, >= 1 */
    uint32_t max_data; /* of one block, >= 1 */
    uint32_t percent;  /* 0..100 */
    bool contiguous;   /* data and parity of one block, then the next block; otherwise shard 0 of
                        * each block, shard 1 of each, .. and behind all data parity likewise */
};

struct lm_l1_layout {
    uint32_t data, parity; /* shards of all blocks together */
    uint32_t blocks;
    uint32_t large; /* the first `large` blocks have large_k and large_m */
    uint32_t large_k, large_m;
    uint32_t small_k, small_m;
    bool contiguous;
};

/* One block of a layout. */
struct lm_l1_block {
    uint32_t k, m;
    uint32_t from; /* data shards of the blocks before */
};

/* Parity shards of a block: the percentage of its data shards, rounded up. */
uint32_t lm_l1_parity(uint32_t data_shards, uint32_t percent);

/* Most data shards that a block of this code can have with this percentage; 0 when none: percent
 * 0 goes with LM_L1_CODE_NONE and only with it. */
uint32_t lm_l1_max_data(enum lm_l1_code code, uint32_t percent);

void lm_l1_layout_make(struct lm_l1_layout *out, const struct lm_l1_split *split);

struct lm_l1_block lm_l1_layout_block(const struct lm_l1_layout *l, uint32_t block);

/* Where shard `shard` (0..k+m-1) of `block` stands in the order of sending, 0..data+parity-1. */
uint32_t lm_l1_layout_place(const struct lm_l1_layout *l, uint32_t block, uint32_t shard);

/* The block whose shard stands at `place`. */
uint32_t lm_l1_layout_block_at(const struct lm_l1_layout *l, uint32_t place);

#endif
