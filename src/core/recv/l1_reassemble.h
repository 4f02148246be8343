/* One lumen/1 frame being put together from shards in any order. A shard is copied once, to where
 * it stays in the frame; only blocks of which a shard arrives before the size of all blocks in
 * front is known begin in a spare area, and move as soon as it is. */
#ifndef LUMEN_CORE_RECV_L1_REASSEMBLE_H
#define LUMEN_CORE_RECV_L1_REASSEMBLE_H

#include "core/recv/l1_repair.h"
#include "core/wire/l1_video.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_l1_limits {
    uint32_t shard_bytes;
    uint32_t data;   /* shards of the largest frame */
    uint32_t parity; /* shards kept of a frame */
    uint32_t blocks; /* of a frame */
};

/* 0 when a frame of `max_frame_bytes`, its header included, is possible with such shards. */
void lm_l1_limits_of(struct lm_l1_limits *out, uint64_t max_frame_bytes, uint32_t shard_bytes,
                     uint32_t percent, uint32_t max_blocks);

struct lm_l1_shard {
    struct lm_l1_video header;
    uint64_t sequence;
    const uint8_t *bytes; /* within the datagram */
    size_t size_bytes;
};

struct lm_l1_reassemble_block {
    bool known; /* a shard of it arrived: the fields below are set */
    bool complete;
    bool doomed; /* cannot complete unless shards are merely late; also of an unknown block */
    uint8_t code, flags;
    uint16_t last_shard_bytes;
    uint32_t data_shards, parity_shards, kept;
    uint32_t data_count, parity_count; /* received and kept */
    uint32_t top;                      /* highest shard received + 1 */
    uint32_t repaired;
    uint32_t first_shard;  /* where it lies in `data`, in shards */
    uint32_t first_parity; /* in `parity`, in shards */
    uint32_t marks;        /* in `present` */
};

/* Where sending stood with the datagram of the highest sequence number. */
struct lm_l1_reassemble_point {
    uint64_t sequence;
    uint32_t block, shard, row; /* row: of the parity, if it is parity, else the shard */
    bool is_parity;
};

struct lm_l1_reassemble {
    struct lm_l1_limits limits;
    /* `data` holds twice the shards of a frame: the second half is the spare area. */
    uint8_t *data, *parity, *present;
    struct lm_l1_reassemble_block *blocks;

    bool started; /* a shard arrived */
    bool complete;
    bool beyond;          /* a datagram of it was beyond a limit: it never completes */
    uint8_t flags;        /* of all blocks: LM_L1_KEY_FRAME, LM_L1_RECOVERY_POINT */
    uint32_t block_count; /* 0: the last block is not known yet */
    uint32_t known_end;   /* highest block known + 1 */
    uint32_t known_count, complete_count;
    uint32_t placed;                  /* blocks from 0 on that are known, and where they stay */
    uint32_t placed_shards, shards;   /* data shards of these, and of all known blocks */
    uint32_t spare_shards;            /* used of the spare area */
    uint32_t parity_shards, marks;    /* used of `parity` and of `present` */
    uint32_t repaired;                /* shards */
    struct lm_l1_reassemble_point at; /* with the highest sequence number */
    uint32_t group;                   /* all blocks before this one were sent to their end */
    uint32_t doomed_blocks;
    uint64_t doomed_ns; /* since when a block is doomed; 0: none is */
    uint64_t first_packet_ns, complete_ns;
};

/* What became of a shard. */
enum lm_l1_reassemble_result {
    LM_L1_STORED = 1,
    LM_L1_REPAIRED, /* stored, and its block was completed from parity */
    LM_L1_SURPLUS,  /* its block is complete already, or has its share of parity */
    LM_L1_DUPLICATE,
    LM_L1_REFUSED, /* contradicts what came before */
    LM_L1_BEYOND,  /* the frame is larger than the limits */
};

/* LM_ENOMEM. */
int lm_l1_reassemble_init(struct lm_l1_reassemble *f,
                          const struct lm_l1_limits *limits) LM_MUST_USE;
void lm_l1_reassemble_finish(struct lm_l1_reassemble *f); /* zeroed or half-built is fine */

/* Room for the data of a frame, as `data` wants it; NULL: no memory. */
uint8_t *lm_l1_reassemble_buffer(const struct lm_l1_limits *limits);

/* Forgets everything but the buffers; the cost goes with the blocks used. */
void lm_l1_reassemble_reset(struct lm_l1_reassemble *f);

/* The header is one that lm_l1_parse_video gave with these bytes. */
enum lm_l1_reassemble_result lm_l1_reassemble_add(struct lm_l1_reassemble *f,
                                                  struct lm_l1_repair *repair,
                                                  const struct lm_l1_shard *shard, uint64_t now_ns);

/* Bytes of a complete frame, frame header included. */
size_t lm_l1_reassemble_size(const struct lm_l1_reassemble *f);

#endif
