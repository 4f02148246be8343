/* The parity of one block at a time, whichever code it has: shards come in as they are filled, are
 * worked on while they are in the cache, and stay borrowed until the parity is made. Of a sender,
 * used by its thread; all memory at init. */
#ifndef LUMEN_CORE_SEND_L1_CODER_H
#define LUMEN_CORE_SEND_L1_CODER_H

#include "core/base/err.h"
#include "core/fec/code16.h"
#include "core/fec/code8.h"
#include "core/wire/l1_video.h"

#include <stddef.h>
#include <stdint.h>

struct lm_l1_coder {
    enum lm_l1_code code;
    size_t shard_bytes;
    struct lm_code8_cache *codes8;
    struct lm_code8_encoder *encoder8;
    struct lm_code16 *code16;
    uint8_t **parity; /* filled in by the caller before the block ends, m of them */
    uint32_t m;       /* of the block begun */
};

struct lm_l1_coder_limits {
    enum lm_l1_code code;  /* LM_L1_CODE_NONE: nothing is taken, and no block has parity */
    uint32_t data, parity; /* of one block, at most */
    size_t shard_bytes;
};

/* LM_ENOMEM, LM_EINVAL. Finish after a failure too. */
int lm_l1_coder_init(struct lm_l1_coder *c, const struct lm_l1_coder_limits *limits) LM_MUST_USE;
void lm_l1_coder_finish(struct lm_l1_coder *c); /* zeroed is fine */

/* A block within the limits; m 0: nothing is coded, add does nothing. */
void lm_l1_coder_begin_block(struct lm_l1_coder *c, uint32_t k, uint32_t m);
void lm_l1_coder_add(struct lm_l1_coder *c, const uint8_t *shard);
/* Writes c->parity[0..m-1]. */
void lm_l1_coder_end_block(struct lm_l1_coder *c);

#endif
