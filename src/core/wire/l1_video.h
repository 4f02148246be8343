/* lumen/1 datagrams: the header that every datagram begins with, and the video payload's. All
 * fields big-endian; docs/lumen-1.md has the layout. No state; any thread. */
#ifndef LUMEN_CORE_WIRE_L1_VIDEO_H
#define LUMEN_CORE_WIRE_L1_VIDEO_H

#include "core/base/err.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lm_l1_kind {
    LM_L1_VIDEO = 0,
    LM_L1_AUDIO = 1,
    LM_L1_INPUT = 2,
    LM_L1_FEEDBACK = 3,
    LM_L1_CLOCK = 4,
    LM_L1_PROBE = 5,
    LM_L1_CURSOR = 6,
    LM_L1_MICROPHONE = 7,
};

enum lm_l1_code {
    LM_L1_CODE_NONE = 0,
    LM_L1_CODE_GF8 = 1,  /* Cauchy, k + m <= 255 */
    LM_L1_CODE_GF16 = 2, /* Leopard, k + m <= 65535 */
};

enum {
    LM_L1_EPOCH = 1 << 0, /* datagram flag: key epoch */
    LM_L1_CLEAR = 1 << 7, /* datagram flag: payload in clear, no tag (for trusted transports) */

    LM_L1_LAST_BLOCK = 1 << 0, /* video flags */
    LM_L1_KEY_FRAME = 1 << 1,
    LM_L1_RECOVERY_POINT = 1 << 2,

    LM_L1_NONCE_BYTES = LM_L1_SALT_BYTES + 8,
};

/* Sequences below this only: then the key has to change. */
#define LM_L1_MAX_SEQUENCE (UINT64_C(1) << 48)

/* The first 16 bytes, authenticated, in clear. */
struct lm_l1_header {
    uint8_t kind;  /* enum lm_l1_kind, 0..15 */
    uint8_t flags; /* LM_L1_EPOCH, LM_L1_CLEAR */
    uint32_t session_id;
    uint64_t sequence;
};

/* The first 16 bytes of a video payload. */
struct lm_l1_video {
    uint32_t frame;
    uint16_t block, shard;
    uint16_t data_shards, parity_shards; /* k, m */
    uint8_t code;                        /* enum lm_l1_code */
    uint8_t flags;                       /* LM_L1_LAST_BLOCK .. */
    uint16_t last_shard_bytes;           /* payload bytes of the block's last data shard */
};

/* The first 24 bytes of a frame, inside the protected bytes. */
struct lm_l1_frame {
    uint64_t capture_ns; /* host clock */
    uint32_t capture_to_send_us;
    uint32_t display_hint_us;
    uint32_t flags; /* as the submitter gave them */
};

void lm_l1_write_header(uint8_t out[LM_L1_HEADER_BYTES], const struct lm_l1_header *header);
void lm_l1_write_video(uint8_t out[LM_L1_VIDEO_BYTES], const struct lm_l1_video *video);
void lm_l1_write_frame(uint8_t out[LM_L1_FRAME_BYTES], const struct lm_l1_frame *frame);

/* The AES-GCM nonce of a datagram: the salt of its direction, then its sequence, big-endian. */
void lm_l1_write_nonce(uint8_t out[LM_L1_NONCE_BYTES], const uint8_t salt[LM_L1_SALT_BYTES],
                       uint64_t sequence);

/* Whether k data and m parity shards are a block of this code: k >= 1 always; none: m = 0; GF8:
 * m >= 1, k + m <= 255; GF16: 1 <= m <= k, k + m <= 65535, k + the least power of two >= m is at
 * most 65536. False for an unknown code. */
bool lm_l1_code_covers(uint8_t code, uint32_t data_shards, uint32_t parity_shards);

/* LM_EPROTO: too short, another version, unknown flags, or reserved bytes that are not 0. */
int lm_l1_parse_header(const uint8_t *data, size_t size_bytes,
                       struct lm_l1_header *out) LM_MUST_USE;

/* Checks each field against the others and the code's limits: lm_l1_code_covers, shard < k + m, no
 * unknown flag, last_shard_bytes 1..shard_bytes (= shard_bytes unless it is the last block), and
 * size_bytes == 16 + shard_bytes (code 0's last shard may be short instead: exactly
 * last_shard_bytes). LM_EPROTO otherwise; *out may be written then. */
int lm_l1_parse_video(const uint8_t *data, size_t size_bytes, uint32_t shard_bytes,
                      struct lm_l1_video *out) LM_MUST_USE;
/* LM_EPROTO when too short. The reserved bytes are not looked at: a later version may use them. */
int lm_l1_parse_frame(const uint8_t *data, size_t size_bytes, struct lm_l1_frame *out) LM_MUST_USE;

#endif
