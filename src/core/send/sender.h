/* The host's video sender: a frame, whole or slice by slice, into sealed datagrams, paced.
 * Sans-I/O: time comes in, batches go out. One per stream, used by one thread (the stream's send
 * thread). All memory is taken at create; no later call allocates.
 *
 *     lm_sender_begin, lm_sender_push_block x block_count    as slices come out of the encoder
 *     lm_sender_push_frame                                   or a frame given whole (AV1)
 *     lm_sender_pull, send, lm_sender_done                   until pull gives 0, again at wake_at
 */
#ifndef LUMEN_CORE_SEND_SENDER_H
#define LUMEN_CORE_SEND_SENDER_H

#include "core/base/err.h"
#include "core/send/batch.h"
#include "core/send/piece.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lm_frame_type {
    LM_FRAME_P = 1,
    LM_FRAME_KEY = 2,
    LM_FRAME_INTRA_REFRESH = 4,
    LM_FRAME_RECOVERED = 5, /* first P frame after reference invalidation */
};

struct lm_sender_config {
    uint32_t packet_size; /* N of the SDP, bytes: 25..8192. A datagram is N + 16, or N + 48 */
    uint32_t fec_percent; /* F, 0..255; 0: no parity */
    uint32_t min_parity;  /* minRequiredFecPackets, 0..254; counts when fec_percent > 0 */
    bool encrypt;
    uint8_t key[16];           /* used when encrypt */
    uint32_t max_frame_bytes;  /* of one access unit; at most 4092 * (packet_size - 16) */
    uint64_t pace_bytes_per_s; /* datagram bytes; 0: unpaced */
    uint32_t burst_bytes;    /* may leave at once after a pause; at least one datagram is allowed */
    uint32_t first_sequence; /* RTP, 0..32767 */
    uint32_t first_frame;    /* 0: means 1, the only value a stock client takes well */
    uint64_t first_iv_counter; /* of the encryption; > 0 only when the key was used before */
};

struct lm_frame_begin {
    enum lm_frame_type type;
    uint32_t timestamp_90k; /* of the capture; strictly rising */
    uint32_t latency_100us; /* capture to now in units of 0.1 ms; 0: unknown or repeated frame */
    uint32_t block_count;   /* 1..4 calls of push_block follow; ignored by push_frame */
    uint64_t now_ns;
};

/* Counted since create. */
struct lm_sender_stats {
    uint64_t frames;           /* begun and completed */
    uint64_t frames_dropped;   /* refused or aborted before anything of them left: no index used */
    uint64_t frames_abandoned; /* aborted after some of their datagrams left: index used */
    uint64_t blocks;
    uint64_t blocks_underprotected; /* parity below what was configured: k + m would pass 255 */
    uint64_t blocks_unprotected;    /* no parity although it was configured */
    uint64_t data_datagrams, parity_datagrams; /* made */
    uint64_t datagrams_sent, bytes_sent;       /* confirmed by lm_sender_done */
};

struct lm_sender;

/* LM_EINVAL (a value out of range), LM_ENOMEM, LM_EUNSUPPORTED (no cipher). *out is NULL then. */
int lm_sender_create(const struct lm_sender_config *config, struct lm_sender **out) LM_MUST_USE;

/* NULL is fine. */
void lm_sender_destroy(struct lm_sender *s);

/* Starts the next frame. LM_EFULL: two earlier frames are still being sent, pull and try again (so
 * a slow link holds up the encoder, and no frame is dropped behind it). LM_EINVAL: bad fields, or
 * the frame before is unfinished. */
int lm_sender_begin(struct lm_sender *s, const struct lm_frame_begin *begin) LM_MUST_USE;

/* The next block of the begun frame (H.264 and HEVC only when there are several): whole slices with
 * their start codes, padded with zeros to whole shards. Copied; ready to be pulled at once; the
 * last block of block_count ends the frame. On LM_ELIMIT (more than 1023 shards, or more bytes than
 * max_frame_bytes) and LM_EIO (sealing failed) the frame is over as by lm_sender_abort: the caller
 * makes the encoder recover (a key frame, or a reference before this frame). LM_EINVAL: no frame is
 * begun, or no bytes: the frame goes on. */
int lm_sender_push_block(struct lm_sender *s, const uint8_t *data, size_t size_bytes,
                         uint64_t now_ns) LM_MUST_USE;

/* The same from up to 64 pieces, one after the other (several slices in one block). */
int lm_sender_push_block_pieces(struct lm_sender *s, const struct lm_piece *pieces, size_t count,
                                uint64_t now_ns) LM_MUST_USE;

/* A whole frame: begin and all blocks, split evenly at shard boundaries. The only way for AV1.
 * Errors of begin and push_block; on each of them nothing was begun, no index was used. */
int lm_sender_push_frame(struct lm_sender *s, const struct lm_frame_begin *begin,
                         const struct lm_piece *pieces, size_t count) LM_MUST_USE;

/* Ends a begun frame that will not be completed (encoder failed). If nothing of it was pulled, its
 * index and sequence numbers are used again by the next frame; otherwise what is left is not sent,
 * and the client will report it lost. Nothing to do when no frame is begun. */
void lm_sender_abort(struct lm_sender *s);

/* The index that the next begin takes. */
uint32_t lm_sender_next_frame(const struct lm_sender *s);

/* 1: *batch is to be sent now; it stays valid until lm_sender_done, whatever is pushed, and pulling
 * again before done gives it again (after LM_EAGAIN of the socket). 0: nothing to send now;
 * *wake_at is when, LM_TIME_MAX when not before something is pushed. */
int lm_sender_pull(struct lm_sender *s, uint64_t now_ns, struct lm_batch *batch,
                   uint64_t *wake_at) LM_MUST_USE;

/* The kernel took the first `segments` datagrams (0..batch.segments) of the pulled batch. */
void lm_sender_done(struct lm_sender *s, uint32_t segments, uint64_t now_ns);

/* How long what is pushed and not yet sent will take at the pace, in ns from now. */
uint64_t lm_sender_backlog_ns(const struct lm_sender *s, uint64_t now_ns);

/* From the next block on. Ranges as in the config; LM_EINVAL otherwise. */
int lm_sender_set_fec(struct lm_sender *s, uint32_t percent, uint32_t min_parity) LM_MUST_USE;
void lm_sender_set_pace(struct lm_sender *s, uint64_t bytes_per_s, uint32_t burst_bytes);

void lm_sender_get_stats(const struct lm_sender *s, struct lm_sender_stats *out);

#endif
