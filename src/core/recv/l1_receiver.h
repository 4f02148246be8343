/* lumen/1's video receiver: datagrams into frames, in order. Sans-I/O. One per session, used by one
 * thread. All memory is taken at create; whatever a peer sends, no call allocates, blocks or
 * asserts: what is late, doubled, replayed, forged or malformed is dropped and counted.
 *
 *     lm_l1_receiver_push for each datagram, then lm_l1_receiver_pop until 0, then pop_loss until
 * it is empty; call pop also at lm_l1_receiver_wake_at.
 *
 * A frame is lost when it can no longer complete: more shards of a block are missing than it has
 * parity, or what was sent later has arrived, and in either case `reorder_ns` passed without the
 * missing ones. Loss is declared at once then, the frames behind it are delivered. A frame that
 * passes a limit of the config is lost without waiting.
 *
 * Numbers that jump: a frame up to 32768 ahead of the next is followed, those between are lost.
 * Datagrams further ahead or behind, with an earlier frame than their sequence number allows, or in
 * clear with a sequence number out of the window or 2^24 ahead, are dropped; after 64 of them with
 * none accepted between, the sender has begun anew: the receiver forgets what it had and goes on
 * with that frame. A sealed sequence number never counts twice, whatever happens. */
#ifndef LUMEN_CORE_RECV_L1_RECEIVER_H
#define LUMEN_CORE_RECV_L1_RECEIVER_H

#include "core/base/err.h"
#include "core/recv/loss.h"
#include "core/wire/l1_video.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_l1_receiver_config {
    uint32_t session_id;
    uint32_t shard_bytes; /* 512..65408, a multiple of 64 */
    bool encrypted;       /* then datagrams in clear are dropped, otherwise sealed ones */
    uint8_t key[16], salt[LM_L1_SALT_BYTES];
    uint64_t max_frame_bytes;  /* larger frames are lost; 1..2^31 */
    uint32_t max_fec_percent;  /* parity kept per frame, 0..100 of its data; more is not needed */
    uint32_t max_blocks;       /* per frame, 1..4096; 0: as many as max_frame_bytes needs */
    uint32_t frames_in_flight; /* 2..16, incomplete or not yet popped; 0: 4 */
    uint64_t reorder_ns;       /* how late a shard may be; 0: none may */
    uint32_t first_frame;      /* 0: 1 */
};

struct lm_l1_received_frame {
    const uint8_t *data; /* access unit; borrowed until the next pop */
    size_t size_bytes;
    uint32_t frame_index;
    struct lm_l1_frame header;
    uint64_t first_packet_ns, complete_ns;
    uint32_t repaired_shards;
    uint32_t lost_before; /* frames lost between the frame popped before and this one */
};

/* Each datagram pushed counts in `datagrams` and in one of the lines below it. */
struct lm_l1_receiver_stats {
    uint64_t datagrams, bytes;
    uint64_t accepted;
    uint64_t surplus;     /* of a block or frame that was complete already */
    uint64_t late;        /* of a frame given up, or too old to tell */
    uint64_t duplicate;   /* replayed too: a sequence number that was there before */
    uint64_t malformed;   /* impossible header, or contradicting what came before */
    uint64_t unauthentic; /* tag does not match, or another session's */
    uint64_t overflow;    /* no slot: frames were not popped, or beyond a limit of the config */
    uint64_t reordered;   /* of the accepted: behind a higher sequence number */
    uint64_t frames_delivered, frames_lost;
    uint64_t frames_malformed; /* of the lost: complete, but with an impossible frame header */
    uint64_t blocks_repaired, shards_repaired;
    uint64_t events_dropped; /* losses merged or dropped because they were not popped */
};

struct lm_l1_receiver;

/* LM_EINVAL, LM_ENOMEM, LM_EUNSUPPORTED (no cipher). */
int lm_l1_receiver_create(const struct lm_l1_receiver_config *config,
                          struct lm_l1_receiver **out) LM_MUST_USE;
void lm_l1_receiver_destroy(struct lm_l1_receiver *r); /* NULL is fine */

/* One datagram of kind video, changed in place when encrypted, not kept. */
void lm_l1_receiver_push(struct lm_l1_receiver *r, uint8_t *datagram, size_t size_bytes,
                         uint64_t now_ns);

/* 1: the next frame. 0: none now. Also gives up what cannot complete at `now_ns`. */
int lm_l1_receiver_pop(struct lm_l1_receiver *r, uint64_t now_ns,
                       struct lm_l1_received_frame *out) LM_MUST_USE;

/* True: *out is the oldest loss not yet popped. Ranges of neighbours are merged. */
bool lm_l1_receiver_pop_loss(struct lm_l1_receiver *r, struct lm_loss *out) LM_MUST_USE;

/* When pop should be called even if nothing arrives; LM_TIME_MAX: no need. */
uint64_t lm_l1_receiver_wake_at(const struct lm_l1_receiver *r);

void lm_l1_receiver_get_stats(const struct lm_l1_receiver *r, struct lm_l1_receiver_stats *out);

#endif
