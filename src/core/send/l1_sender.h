/* lumen/1's video sender: a frame, whole or part by part, into sealed datagrams, paced. Sans-I/O:
 * time comes in, batches go out. One per session, used by one thread. All memory is taken at
 * create; no later call allocates.
 *
 *     lm_l1_sender_push_frame                        a frame given whole
 *     lm_l1_sender_begin, lm_l1_sender_push ...      or part by part as the encoder hands them on
 *     lm_l1_sender_pull, send, lm_l1_sender_done     until pull gives 0, again at wake_at
 */
#ifndef LUMEN_CORE_SEND_L1_SENDER_H
#define LUMEN_CORE_SEND_L1_SENDER_H

#include "core/base/err.h"
#include "core/send/batch.h"
#include "core/send/piece.h"
#include "core/wire/l1_video.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_l1_sender_config {
    uint32_t session_id;
    uint32_t shard_bytes; /* 512..65408, a multiple of 64 */
    enum lm_l1_code code; /* of blocks that get parity */
    uint32_t
        fec_percent; /* 0..100 of the data shards, rounded up; 0: no parity. > 0 needs a code */
    /* Data shards, at most lm_l1_max_data(code, fec_percent), and not so few that a frame could
     * have more than 4096 blocks; 0: as many as the code can with this percentage. */
    uint32_t max_data_per_block;
    bool contiguous; /* blocks one after the other; otherwise those of one push leave interleaved */
    bool encrypt;    /* otherwise datagrams carry LM_L1_CLEAR and no tag */
    uint8_t key[16], salt[LM_L1_SALT_BYTES];
    uint64_t max_frame_bytes;  /* of one access unit: 1..2^31 */
    uint32_t max_pushes;       /* calls of push per frame, 1..64; 0: 1 */
    uint64_t pace_bytes_per_s; /* datagram bytes; 0: unpaced */
    uint32_t burst_bytes;
    uint32_t first_frame;    /* 0: means 1 */
    uint64_t first_sequence; /* < LM_L1_MAX_SEQUENCE; > 0 when the key was used before */
};

struct lm_l1_frame_begin {
    uint64_t capture_ns; /* host clock */
    uint32_t flags;      /* LM_L1_KEY_FRAME and LM_L1_RECOVERY_POINT mark datagrams too; all bits
                            reach the receiver */
    uint32_t display_hint_us;
    uint64_t now_ns; /* same clock as capture_ns */
};

/* Counted since create. */
struct lm_l1_sender_stats {
    uint64_t frames;           /* begun and completed */
    uint64_t frames_dropped;   /* refused or aborted before anything left: no number used */
    uint64_t frames_abandoned; /* aborted after some of their datagrams left: number used */
    uint64_t blocks;           /* made, as the datagrams below */
    uint64_t data_datagrams, parity_datagrams;
    uint64_t datagrams_sent, bytes_sent; /* confirmed by lm_l1_sender_done */
};

struct lm_l1_sender;

/* LM_EINVAL (a value out of range), LM_ENOMEM, LM_EUNSUPPORTED (no cipher). *out is NULL then. */
int lm_l1_sender_create(const struct lm_l1_sender_config *config,
                        struct lm_l1_sender **out) LM_MUST_USE;
void lm_l1_sender_destroy(struct lm_l1_sender *s); /* NULL is fine */

/* Starts the next frame. LM_EFULL: two earlier frames are still being sent, pull and try again.
 * LM_EINVAL: the frame before is unfinished. LM_ELIMIT: the key has served LM_L1_MAX_SEQUENCE
 * datagrams. */
int lm_l1_sender_begin(struct lm_l1_sender *s, const struct lm_l1_frame_begin *begin) LM_MUST_USE;

/* The next bytes of the begun frame, copied. Whole shards become blocks and can be pulled at once;
 * what is left over, and fewer than 16 of them, joins the next push; `last` ends the frame. On
 * LM_ELIMIT (max_frame_bytes or max_pushes passed) the frame is over as by lm_l1_sender_abort.
 * LM_EINVAL: no frame is begun, or its last push leaves it without a byte: the frame goes on. */
int lm_l1_sender_push(struct lm_l1_sender *s, const struct lm_piece *pieces, size_t count,
                      bool last, uint64_t now_ns) LM_MUST_USE;

/* begin and one push. On each error nothing was begun, no number was used; the errors of both,
 * LM_EINVAL for no bytes. */
int lm_l1_sender_push_frame(struct lm_l1_sender *s, const struct lm_l1_frame_begin *begin,
                            const struct lm_piece *pieces, size_t count) LM_MUST_USE;

/* Ends a begun frame that will not be completed. If nothing of it was pulled, its number is used
 * again by the next frame; otherwise what is left is not sent. Nothing to do when none is begun. */
void lm_l1_sender_abort(struct lm_l1_sender *s);

/* The number that the next begin takes. */
uint32_t lm_l1_sender_next_frame(const struct lm_l1_sender *s);

/* 1: *batch is to be sent now; it stays valid until lm_l1_sender_done, whatever is pushed, and
 * pulling again before done gives it again. 0: nothing now; *wake_at is when, LM_TIME_MAX when not
 * before something is pushed. LM_EIO: sealing failed, the rest of the frame is dropped.
 *
 * Datagrams are numbered and sealed here. A number is never used twice, even if its datagram is
 * dropped unsent, and rises in the order of sending. batch->block is that of the first datagram. */
int lm_l1_sender_pull(struct lm_l1_sender *s, uint64_t now_ns, struct lm_batch *batch,
                      uint64_t *wake_at) LM_MUST_USE;
/* The first `segments` datagrams (0..batch.segments) of the pulled batch are sent. */
void lm_l1_sender_done(struct lm_l1_sender *s, uint32_t segments, uint64_t now_ns);

/* A sequence number for a datagram of another kind that is sent under the same key. */
uint64_t lm_l1_sender_take_sequence(struct lm_l1_sender *s);

/* From the next push on. Ranges as in the config (percent at most the config's); LM_EINVAL. */
int lm_l1_sender_set_fec(struct lm_l1_sender *s, uint32_t percent) LM_MUST_USE;
void lm_l1_sender_set_pace(struct lm_l1_sender *s, uint64_t bytes_per_s, uint32_t burst_bytes);

void lm_l1_sender_get_stats(const struct lm_l1_sender *s, struct lm_l1_sender_stats *out);

#endif
