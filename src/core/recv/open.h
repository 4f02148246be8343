/* A datagram into the shard it carries: decrypted in place, header checked. */
#ifndef LUMEN_CORE_RECV_OPEN_H
#define LUMEN_CORE_RECV_OPEN_H

#include "core/base/err.h"
#include "core/crypto/aead.h"
#include "core/wire/gs_video.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_open {
    uint32_t packet_size;
    struct lm_aead *aead; /* NULL: datagrams are in clear */
};

struct lm_opened {
    struct lm_gsv_header header;
    const uint8_t *payload; /* within the datagram */
    size_t payload_bytes;   /* packet_size - 16; less only in the last data shard of a frame */
};

/* `key` is NULL for a stream in clear. LM_ENOMEM, LM_EUNSUPPORTED. */
int lm_open_init(struct lm_open *o, uint32_t packet_size, const uint8_t *key) LM_MUST_USE;
void lm_open_finish(struct lm_open *o); /* zeroed is fine */

/* The frame that an encrypted datagram claims in clear; 0 when it does not tell or is not one.
 * Cheap: saves decrypting what is late anyway. */
uint32_t lm_open_peek_frame(const struct lm_open *o, const uint8_t *datagram, size_t size_bytes);

/* LM_EPROTO: malformed. LM_EAUTH: tag does not match; the datagram's bytes are lost then. */
int lm_open_datagram(struct lm_open *o, uint8_t *datagram, size_t size_bytes,
                     struct lm_opened *out) LM_MUST_USE;

#endif
