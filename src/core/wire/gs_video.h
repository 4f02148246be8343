/* GameStream video datagrams: a shard is RTP (12 bytes, big-endian), 4 bytes of extension, the NV
 * header (16 bytes, little-endian) and the payload. Encrypted, a 32-byte prefix goes in front and
 * the whole shard is ciphertext. */
#ifndef LUMEN_CORE_WIRE_GS_VIDEO_H
#define LUMEN_CORE_WIRE_GS_VIDEO_H

#include "core/base/err.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_GSV_FLAG_PICTURE = 1,
    LM_GSV_FLAG_EOF = 2,
    LM_GSV_FLAG_SOF = 4,

    /* Parity covers the shard from here on; what lies before is not evaluated after repair. */
    LM_GSV_FEC_FROM = 16,
};

struct lm_gsv_header {
    uint16_t sequence;
    uint32_t timestamp_90k;
    uint32_t packet_index; /* 24 bits */
    uint32_t frame_index;
    uint8_t flags, extra_flags;  /* only meaningful in data shards */
    uint32_t block, block_count; /* 0..3, 1..4 */
    uint32_t data_shards;        /* k, 1..1023 */
    uint32_t parity_shards;      /* m, derived from k and percent; ignored by the writers */
    uint32_t shard;              /* 0..k+m-1 */
    uint32_t percent;            /* 0..255 */
};

struct lm_gsv_frame_header {
    uint32_t latency_100us; /* capped at 65535 when written */
    uint32_t type;
    uint32_t last_payload_bytes; /* 1..packet size - 16 */
};

struct lm_gsv_prefix {
    uint8_t iv[12];
    uint32_t frame_index; /* 0: not told */
};

/* The flags that data shard `shard` of `data_shards` carries. */
static inline uint8_t lm_gsv_data_flags(uint32_t shard, uint32_t data_shards)
{
    return (uint8_t)(LM_GSV_FLAG_PICTURE | (shard == 0 ? LM_GSV_FLAG_SOF : 0) |
                     (shard + 1 == data_shards ? LM_GSV_FLAG_EOF : 0));
}

/* All 32 bytes of a data shard's header. */
void lm_gsv_write_data_header(uint8_t *shard, const struct lm_gsv_header *h);

/* Of a parity shard that holds true parity from LM_GSV_FEC_FROM on: overwrites the fields that must
 * be real and leaves the rest of the parity (packet index, flags). */
void lm_gsv_write_parity_header(uint8_t *shard, const struct lm_gsv_header *h);

/* LM_EPROTO when shorter than 33 bytes, without the extension bit, or with impossible numbers: k 0,
 * shard >= k + m, k + m > 255 with a parity shard, block beyond the last, wrong flags on a data
 * shard. A block of k + m > 255 is taken as one without parity. */
int lm_gsv_parse_header(const uint8_t *shard, size_t size_bytes,
                        struct lm_gsv_header *out) LM_MUST_USE;

void lm_gsv_write_frame_header(uint8_t out[LM_GSV_FRAME_BYTES],
                               const struct lm_gsv_frame_header *h);
/* LM_EPROTO for another header type or a last payload of 0 or more than `payload_bytes`. */
int lm_gsv_parse_frame_header(const uint8_t in[LM_GSV_FRAME_BYTES], size_t payload_bytes,
                              struct lm_gsv_frame_header *out) LM_MUST_USE;

/* IV of the `counter`-th datagram under a key, host to client, and the frame in clear. The tag at
 * offset 16 is the sealer's. */
void lm_gsv_write_prefix(uint8_t *datagram, uint64_t counter, uint32_t frame_index);
/* LM_EPROTO when too short or when the IV is not of video: it would let messages of other channels
 * under the same key pass for video. */
int lm_gsv_parse_prefix(const uint8_t *datagram, size_t size_bytes,
                        struct lm_gsv_prefix *out) LM_MUST_USE;

#endif
