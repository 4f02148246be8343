/* Blocks of shards for the tests of code8. */
#ifndef LUMEN_CORE_FEC_CODE8_BLOCKS_H
#define LUMEN_CORE_FEC_CODE8_BLOCKS_H

#include "core/fec/code8.h"

/* Shards in one piece, with a pointer to each. */
struct code8_block {
    unsigned k, m;
    size_t size;
    uint8_t *memory, *original;
    uint8_t *shards[LM_CODE8_MAX_SHARDS];
    uint8_t present[LM_CODE8_MAX_SHARDS];
};

void code8_block_init(struct code8_block *b, unsigned k, unsigned m, size_t size);
void code8_block_finish(struct code8_block *b);

/* Also sets what the block should hold from then on. */
void code8_block_encode(struct code8_block *b, const struct lm_code8 *code);

#endif
