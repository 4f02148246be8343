/* What a sender hands to the transport: datagrams of equal size, one behind the other, as
 * UDP_SEGMENT wants them. */
#ifndef LUMEN_CORE_SEND_BATCH_H
#define LUMEN_CORE_SEND_BATCH_H

#include "core/base/check.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_batch {
    const uint8_t *data;  /* segments * segment_bytes, at most 65507; borrowed from the sender */
    size_t segment_bytes; /* of each datagram */
    uint32_t segments;    /* 1..64 */
    uint32_t frame_index; /* video: frame; audio: RTP sequence of the block's last packet so far */
    uint32_t block;       /* video: block within the frame; audio: 0 data, 1 parity */
    bool last_of_frame;   /* video: nothing of this frame follows */
};

/* How many datagrams of this size, 1..65507 bytes, one batch can have. */
static inline uint32_t lm_batch_most(size_t datagram_bytes)
{
    uint32_t fits = (uint32_t)(LM_UDP_MAX_BYTES / datagram_bytes);
    return LM_MIN(fits, (uint32_t)LM_UDP_MAX_SEGMENTS);
}

#endif
