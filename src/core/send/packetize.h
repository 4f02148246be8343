/* A block of a frame into shards, in place in the sender's slots: headers, payload, parity. */
#ifndef LUMEN_CORE_SEND_PACKETIZE_H
#define LUMEN_CORE_SEND_PACKETIZE_H

#include "core/fec/code8.h"
#include "core/send/piece.h"
#include "core/wire/gs_video.h"

#include <stddef.h>
#include <stdint.h>

/* Where shard i of the block lies: first + i * stride_bytes, 32 + payload_bytes long. */
struct lm_packetize_slots {
    uint8_t *first;
    size_t stride_bytes;
    size_t payload_bytes;
};

/* The data shards 0..h->data_shards-1. `h` is that of shard 0: sequence and packet_index count up
 * from there. The payload is `frame_header` (8 bytes, NULL for none), then what `in` gives, then
 * zeros. */
void lm_packetize_data(const struct lm_packetize_slots *slots, const struct lm_gsv_header *h,
                       const uint8_t *frame_header, struct lm_piece_reader *in);

/* The parity shards behind them, of the same block. */
void lm_packetize_parity(const struct lm_packetize_slots *slots, const struct lm_gsv_header *h,
                         const struct lm_code8 *code);

#endif
