/* GameStream audio datagrams: RTP and an Opus packet (clear or CBC ciphertext), or RTP, an FEC
 * header and parity over the 4 payloads of a block. Sequence numbers are 16 bits. */
#ifndef LUMEN_CORE_WIRE_GS_AUDIO_H
#define LUMEN_CORE_WIRE_GS_AUDIO_H

#include "core/base/err.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LM_GSA_TYPE_DATA = 97, LM_GSA_TYPE_PARITY = 127 };

struct lm_gsa_packet {
    bool is_parity;
    uint16_t sequence;     /* of the data packet, or the first of the parity's block */
    uint32_t timestamp_ms; /* likewise */
    uint32_t row;          /* of parity: 0 or 1 */
    const uint8_t *body;   /* borrowed from the datagram */
    size_t body_bytes;     /* 1..1388, parity 1..1376 */
};

/* The 12 bytes in front of a data packet's body. */
void lm_gsa_write_data_header(uint8_t out[LM_RTP_BYTES], uint16_t sequence, uint32_t timestamp_ms);

/* The 24 bytes in front of parity row `row` of the block that starts at `base`, a multiple of 4. */
void lm_gsa_write_parity_header(uint8_t out[LM_GSA_FEC_HEADER_BYTES], uint32_t row, uint16_t base,
                                uint32_t base_timestamp_ms);

/* LM_EPROTO: too short or long, not RTP, another payload type, an impossible FEC header. */
int lm_gsa_parse(const uint8_t *datagram, size_t size_bytes, struct lm_gsa_packet *out) LM_MUST_USE;

/* IV of the packet with this sequence number: fresh for each packet, nothing chained. */
void lm_gsa_iv(uint8_t iv[16], uint32_t rikeyid, uint16_t sequence);

#endif
