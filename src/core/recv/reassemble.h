/* One frame being put together from shards in any order. Payloads are copied to where they belong
 * in the frame, so a frame without loss is contiguous when its last shard arrives. */
#ifndef LUMEN_CORE_RECV_REASSEMBLE_H
#define LUMEN_CORE_RECV_REASSEMBLE_H

#include "core/fec/code8.h"
#include "core/recv/open.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_REASSEMBLE_MAX_PARITY = LM_GSV_MAX_BLOCK_SHARDS - 1, /* per block */
};

struct lm_reassemble_block {
    bool known; /* a shard of it arrived: the fields below are set */
    bool complete;
    bool placed;   /* first_shard is where the block stays; otherwise it is in the spare half */
    uint16_t base; /* RTP sequence of shard 0 */
    uint32_t data_shards, parity_shards, percent;
    uint32_t first_shard;
    uint32_t data_count, parity_count; /* received */
    uint32_t top;                      /* highest shard received + 1 */
    uint32_t repaired;
    uint64_t passed_ns; /* since when a later block is there; 0: not */
    uint64_t holes_ns;  /* since when more is missing below `top` than parity can repair; 0: not */
    uint8_t present[LM_GSV_MAX_BLOCK_DATA + 1]; /* by shard, data and parity */
};

struct lm_reassemble {
    /* Set once by the owner. `data` holds 2 * capacity payloads: the second half is for blocks that
     * arrive before the size of those in front of them is known. */
    uint8_t *data, *parity;
    uint32_t capacity; /* payloads of the largest frame */
    size_t payload_bytes;

    bool started; /* a shard arrived */
    bool complete;
    uint32_t block_count;
    uint32_t timestamp_90k;
    uint32_t spare_used;
    uint64_t first_packet_ns, complete_ns;
    struct lm_reassemble_block blocks[LM_GSV_MAX_BLOCKS];
};

/* What became of a shard. */
enum lm_reassemble_result {
    LM_REASSEMBLE_STORED = 1,
    LM_REASSEMBLE_COMPLETED, /* stored, and the frame is complete */
    LM_REASSEMBLE_SURPLUS,   /* its block is complete already */
    LM_REASSEMBLE_DUPLICATE,
    LM_REASSEMBLE_REFUSED, /* contradicts what came before, or the frame is too large */
};

/* Forgets everything but the buffers. */
void lm_reassemble_reset(struct lm_reassemble *f);

/* `codes` belongs to the caller's thread. When *repaired is set, block header.block was completed
 * from parity by this shard. */
enum lm_reassemble_result lm_reassemble_add(struct lm_reassemble *f, struct lm_code8_cache *codes,
                                            const struct lm_opened *shard, uint64_t now_ns,
                                            bool *repaired);

/* Since when the frame cannot complete unless shards are merely late; 0: it still can. */
uint64_t lm_reassemble_doomed_since(const struct lm_reassemble *f);

/* Payload bytes of all blocks of a complete frame, frame header and padding included. */
size_t lm_reassemble_size(const struct lm_reassemble *f);

#endif
