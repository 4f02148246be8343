/* The host's audio sender: Opus packets into RTP, encrypted if asked, 2 parity packets per 4. One
 * per stream, used by its audio thread. No allocation after create. */
#ifndef LUMEN_CORE_SEND_AUDIO_SENDER_H
#define LUMEN_CORE_SEND_AUDIO_SENDER_H

#include "core/base/err.h"
#include "core/send/batch.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_audio_sender_config {
    uint32_t packet_duration_ms; /* 1..120; stock clients ask for 5 or 10 */
    bool fec;
    bool encrypt;
    uint8_t key[16];
    uint32_t rikeyid;            /* as unsigned */
    uint16_t first_sequence;     /* 0 for a new stream */
    uint32_t first_timestamp_ms; /* 0 for a new stream */
};

struct lm_audio_sender_stats {
    uint64_t data_datagrams, parity_datagrams; /* made */
    uint64_t blocks_without_parity;            /* of complete blocks: payloads of unequal size */
    uint64_t datagrams_sent, bytes_sent;
};

struct lm_audio_sender;

/* LM_EINVAL, LM_ENOMEM, LM_EUNSUPPORTED (no cipher). */
int lm_audio_sender_create(const struct lm_audio_sender_config *config,
                           struct lm_audio_sender **out) LM_MUST_USE;
void lm_audio_sender_destroy(struct lm_audio_sender *s);

/* One Opus packet of packet_duration_ms, 1..1376 bytes (1375 encrypted), constant size while the
 * stream lasts or the parity is left out. Copied; goes out at the next pull. LM_ELIMIT: too long.
 * LM_EFULL: a block of 4 packets is still waiting to be pulled. LM_EIO: the cipher failed. On any
 * failure no sequence number is used. */
int lm_audio_sender_push(struct lm_audio_sender *s, const uint8_t *opus, size_t size_bytes,
                         uint64_t now_ns) LM_MUST_USE;

/* One packet_duration passed without a packet (captured sound was dropped): the sequence and the
 * time stamp advance and the client conceals it. Not between pull and done. */
void lm_audio_sender_skip(struct lm_audio_sender *s);

/* 1: *batch is to be sent now; valid until done. 0: nothing. Audio is not paced. */
int lm_audio_sender_pull(struct lm_audio_sender *s, struct lm_batch *batch) LM_MUST_USE;

/* The kernel took the first `segments` datagrams of the pulled batch. */
void lm_audio_sender_done(struct lm_audio_sender *s, uint32_t segments);

void lm_audio_sender_get_stats(const struct lm_audio_sender *s, struct lm_audio_sender_stats *out);

#endif
