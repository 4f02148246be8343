/* Blocks of shards for the tests of code16. */
#ifndef LUMEN_CORE_FEC_CODE16_BLOCKS_H
#define LUMEN_CORE_FEC_CODE16_BLOCKS_H

#include "core/fec/code16.h"

#include <stdbool.h>

/* Shards at odd addresses with guards between, and what they should hold. */
struct code16_block {
    unsigned k, m;
    size_t size, distance;
    uint8_t *memory, *original;
    uint8_t **shards;
    uint8_t *present;
};

void code16_block_init(struct code16_block *b, unsigned k, unsigned m, size_t size);
void code16_block_finish(struct code16_block *b);
size_t code16_block_bytes(const struct code16_block *b);
const uint8_t *const *code16_data_of(const struct code16_block *b);

/* Data: the vectors' pattern, all of it from one stream of bytes. */
void code16_block_fill(struct code16_block *b, uint64_t seed);

/* Also sets what the block should hold from then on. */
void code16_block_encode(struct code16_block *b, struct lm_code16 *code);
void code16_erase_parity(const struct code16_block *b);
/* Encodes shard by shard. */
void code16_add_all(struct lm_code16 *code, const struct code16_block *b);

/* A workspace for this shape. */
struct lm_code16 *code16_for(unsigned k, unsigned m, size_t size);

/* Rubbish in lost data, no buffer for lost parity; afterwards all data must be right, and nothing
 * else touched. */
void code16_expect_repair(struct code16_block *b, struct lm_code16 *code,
                          enum lm_code16_method method);
/* By all methods; the plain kernel is spared large dense products. */
void code16_expect_repairs(struct code16_block *b, struct lm_code16 *code);

/* Masks all but the flags of kernel *index of this machine, the best first, and counts on. False,
 * and no mask, after the last. */
bool code16_next_kernel(size_t *index);

#endif
