/* The client's audio receiver: datagrams into Opus packets, in order, repaired, with a mark for
 * each lost one. Sans-I/O, one thread, no allocation after create; hostile input is dropped and
 * counted. A packet is handed out as soon as it is next; behind a gap the receiver waits for
 * parity, and gives the gap up when a later block has begun (`reorder_ns` after it, if packets came
 * out of order within the last 10 s, else at once). */
#ifndef LUMEN_CORE_RECV_AUDIO_RECEIVER_H
#define LUMEN_CORE_RECV_AUDIO_RECEIVER_H

#include "core/base/err.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_audio_receiver_config {
    bool encrypted;
    uint8_t key[16];
    uint32_t rikeyid;            /* as unsigned */
    uint32_t packet_duration_ms; /* 1..120 */
    uint64_t reorder_ns;         /* 0: 10 ms */
};

struct lm_audio_packet {
    const uint8_t *data; /* Opus packet; NULL: lost, conceal one packet_duration */
    size_t size_bytes;   /* 0 when lost */
    uint16_t sequence;
    uint32_t timestamp_ms;
    bool repaired;       /* from parity */
    uint64_t arrived_ns; /* 0 when lost */
};

struct lm_audio_receiver_stats {
    uint64_t datagrams;
    uint64_t accepted, parity, late, duplicate, malformed;
    uint64_t delivered, repaired, lost;
    uint64_t undecryptable; /* of the lost: padding wrong */
    uint64_t resyncs;       /* jumps of more than the window: started anew */
};

struct lm_audio_receiver;

/* LM_EINVAL, LM_ENOMEM, LM_EUNSUPPORTED. */
int lm_audio_receiver_create(const struct lm_audio_receiver_config *config,
                             struct lm_audio_receiver **out) LM_MUST_USE;
void lm_audio_receiver_destroy(struct lm_audio_receiver *r);

/* One datagram; not changed, not kept. */
void lm_audio_receiver_push(struct lm_audio_receiver *r, const uint8_t *datagram, size_t size_bytes,
                            uint64_t now_ns);

/* 1: the next packet or the mark of a lost one; data is borrowed until the next pop. 0: none now.
 */
int lm_audio_receiver_pop(struct lm_audio_receiver *r, uint64_t now_ns,
                          struct lm_audio_packet *out) LM_MUST_USE;

/* When pop should be called even if nothing arrives; LM_TIME_MAX: no need. */
uint64_t lm_audio_receiver_wake_at(const struct lm_audio_receiver *r);

void lm_audio_receiver_get_stats(const struct lm_audio_receiver *r,
                                 struct lm_audio_receiver_stats *out);

#endif
