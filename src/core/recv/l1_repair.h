/* Both codes of lumen/1 as a receiver needs them: missing data of one block out of what is there.
 * Memory is taken at init; one thread. */
#ifndef LUMEN_CORE_RECV_L1_REPAIR_H
#define LUMEN_CORE_RECV_L1_REPAIR_H

#include "core/base/err.h"
#include "core/fec/code16.h"
#include "core/fec/code8.h"
#include "core/wire/l1_video.h"

#include <stdint.h>

struct lm_l1_repair {
    uint32_t percent; /* most parity of a block, of its data */
    uint32_t shard_bytes;
    struct lm_code8_cache *codes8; /* NULL: without parity */
    struct lm_code16 *code16;
    uint8_t **shards; /* room for the pointers and marks of the largest block */
    uint8_t *present;
};

/* One block. Shard i is at data + i * shard_bytes, parity row j at parity + j * shard_bytes. */
struct lm_l1_repair_block {
    uint8_t code;
    uint32_t data_shards, parity_shards;
    uint32_t kept;          /* of the parity, the first rows: the others are never there */
    const uint8_t *present; /* data_shards + kept */
    uint8_t *data, *parity;
};

/* For blocks of up to `max_data` data shards. LM_ENOMEM. */
int lm_l1_repair_init(struct lm_l1_repair *r, uint32_t max_data, uint32_t percent,
                      uint32_t shard_bytes) LM_MUST_USE;
void lm_l1_repair_finish(struct lm_l1_repair *r); /* zeroed or half-built is fine */

/* How many parity shards of such a block are of use here: at most its share by `percent`, none when
 * the block is larger than the code was made for. */
uint32_t lm_l1_repair_kept(const struct lm_l1_repair *r, const struct lm_l1_video *v);

/* Rebuilds all missing data; as many shards as are missing must be among the parity. Returns how
 * many were rebuilt. */
uint32_t lm_l1_repair_block(struct lm_l1_repair *r, const struct lm_l1_repair_block *block);

#endif
