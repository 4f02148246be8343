/* The client's video receiver: datagrams into frames, in order. Sans-I/O. One per stream, used by
 * one thread. All memory is taken at create; whatever a peer sends, no call allocates, blocks or
 * asserts: what is late, doubled, forged or malformed is dropped and counted.
 *
 *     lm_receiver_push for each datagram, then lm_receiver_pop until 0, then pop_loss and
 * pop_status until they are empty; call pop also at lm_receiver_wake_at.
 *
 * A frame is lost when it can no longer complete: more shards of a block are missing than it has
 * parity, or shards sent later (a later block or frame) have arrived, and in either case
 * `reorder_ns` passed without the missing ones. Loss is declared at once then, the frames behind it
 * are delivered. */
#ifndef LUMEN_CORE_RECV_RECEIVER_H
#define LUMEN_CORE_RECV_RECEIVER_H

#include "core/base/err.h"
#include "core/recv/loss.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_receiver_config {
    uint32_t packet_size; /* N of the SDP, bytes: 25..8192 */
    bool encrypted;       /* then datagrams in clear are dropped, otherwise sealed ones */
    uint8_t key[16];
    uint32_t max_frame_bytes;  /* larger frames are lost; at most 4092 * (packet_size - 16) */
    uint32_t frames_in_flight; /* 2..16, incomplete or not yet popped; 0: 4 */
    uint64_t reorder_ns;       /* how late a shard may be; 0: none may. 1-5 ms suit most networks */
    uint32_t first_frame;      /* 0: 1 */
};

struct lm_received_frame {
    const uint8_t *data; /* access unit; borrowed until the next pop */
    size_t size_bytes;   /* H.264 and HEVC may have zero bytes between slices and at the end */
    uint32_t frame_index;
    uint32_t type; /* enum lm_frame_type of the sender: 1 P, 2 key, 4 intra refresh, 5 recovered */
    uint32_t timestamp_90k;
    uint32_t latency_100us; /* host's capture to send, 0.1 ms; 0: unknown */
    uint64_t first_packet_ns, complete_ns;
    uint32_t repaired_shards; /* restored from parity */
    uint32_t lost_before;     /* frames lost between the frame popped before and this one */
};

/* State of a block that needed repair or was given up, as the host is told (control 0x5502). */
struct lm_fec_status {
    uint32_t frame_index;
    uint16_t highest_sequence;         /* received */
    uint16_t next_contiguous_sequence; /* first missing */
    uint16_t missing_before_highest;
    uint16_t data_packets, parity_packets;
    uint16_t received_data, received_parity;
    uint8_t percent, block, block_count;
};

/* Each datagram pushed counts in `datagrams` and in one of the lines below it. */
struct lm_receiver_stats {
    uint64_t datagrams, bytes;
    uint64_t accepted;
    uint64_t surplus; /* of a block or frame that was complete already */
    uint64_t late;    /* of a frame given up, or too old to tell */
    uint64_t duplicate;
    uint64_t malformed;   /* impossible header, or contradicting what came before */
    uint64_t unauthentic; /* tag does not match */
    uint64_t overflow;    /* no slot: frames were not popped */
    uint64_t reordered;   /* of the accepted: behind a higher sequence number */
    uint64_t frames_delivered, frames_lost;
    uint64_t frames_malformed; /* of the lost: complete, but with an impossible frame header */
    uint64_t blocks_repaired, shards_repaired;
    uint64_t events_dropped; /* losses merged or status dropped because they were not popped */
};

struct lm_receiver;

/* LM_EINVAL, LM_ENOMEM, LM_EUNSUPPORTED (no cipher). */
int lm_receiver_create(const struct lm_receiver_config *config,
                       struct lm_receiver **out) LM_MUST_USE;
void lm_receiver_destroy(struct lm_receiver *r);

/* One datagram, changed in place when encrypted, not kept. */
void lm_receiver_push(struct lm_receiver *r, uint8_t *datagram, size_t size_bytes, uint64_t now_ns);

/* 1: the next frame. 0: none now. Also gives up what cannot complete at `now_ns`. */
int lm_receiver_pop(struct lm_receiver *r, uint64_t now_ns,
                    struct lm_received_frame *out) LM_MUST_USE;

/* True: *out is the oldest loss or status not yet popped. Ranges of neighbours are merged. */
bool lm_receiver_pop_loss(struct lm_receiver *r, struct lm_loss *out) LM_MUST_USE;
bool lm_receiver_pop_status(struct lm_receiver *r, struct lm_fec_status *out) LM_MUST_USE;

/* When pop should be called even if nothing arrives; LM_TIME_MAX: no need. */
uint64_t lm_receiver_wake_at(const struct lm_receiver *r);

void lm_receiver_get_stats(const struct lm_receiver *r, struct lm_receiver_stats *out);

#endif
