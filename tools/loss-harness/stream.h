/* A seam: sender and receiver of one protocol, as the experiment drives them. One file per
 * protocol; both ends are the real ones. */
#ifndef LOSS_HARNESS_STREAM_H
#define LOSS_HARNESS_STREAM_H

#include "options.h"

#include "core/base/err.h"
#include "core/send/batch.h"
#include "core/wire/l1_video.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stream_config {
    enum code code;
    enum layout layout;
    uint32_t parity_percent;
    uint32_t frame_bytes;
    uint32_t shard_bytes; /* payload of a datagram */
    uint32_t max_block;   /* data shards, lumen/1 only; 0: what the code can */
    bool encrypt;
    uint64_t pace_bytes_per_s; /* 0: unpaced */
    uint32_t pace_burst_bytes;
    uint64_t reorder_ns; /* the receiver's patience */
};

struct stream_frame {
    const uint8_t *data; /* borrowed until the next pop */
    size_t size_bytes;
    uint32_t index; /* the first frame is 1 */
};

/* Since create. */
struct stream_counts {
    uint64_t blocks;
    uint64_t data_datagrams, parity_datagrams; /* made */
    uint64_t shards_repaired;
    uint64_t frames_delivered, frames_lost;
};

struct stream {
    const struct stream_ops *ops;
};

struct stream_ops {
    /* LM_EINVAL or LM_ELIMIT: the protocol cannot do this. */
    int (*create)(const struct stream_config *config, struct stream **out);
    void (*destroy)(struct stream *stream);
    /* The sender. LM_ELIMIT: no such frame. LM_EFULL: pull first. */
    int (*push_frame)(struct stream *stream, const uint8_t *data, size_t size_bytes,
                      uint64_t now_ns);
    int (*pull)(struct stream *stream, uint64_t now_ns, struct lm_batch *batch, uint64_t *wake_at);
    void (*done)(struct stream *stream, uint32_t segments, uint64_t now_ns);
    /* The receiver. */
    void (*receive)(struct stream *stream, uint8_t *data, size_t size_bytes, uint64_t now_ns);
    int (*pop)(struct stream *stream, uint64_t now_ns, struct stream_frame *out);
    uint64_t (*wake_at)(const struct stream *stream);
    void (*counts)(const struct stream *stream, struct stream_counts *out);
};

extern const struct stream_ops stream_gamestream, stream_lumen1;

/* The protocol of a code. */
const struct stream_ops *stream_ops_of(enum code code);

/* The lumen/1 code, LM_L1_CODE_NONE for what is none. */
enum lm_l1_code stream_l1_code(enum code code);

/* Blocks that a frame is cut into: with 1 the layout makes no difference. 0: parity does not go
 * with the code. */
uint32_t stream_blocks(const struct stream_config *config);

#endif
