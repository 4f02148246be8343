#include "core/send/packetize.h"

#include "core/base/check.h"

#include <string.h>

void lm_packetize_data(const struct lm_packetize_slots *slots, const struct lm_gsv_header *h,
                       const uint8_t *frame_header, struct lm_piece_reader *in)
{
    struct lm_gsv_header shard = *h;
    for (uint32_t i = 0; i < h->data_shards; i++) {
        uint8_t *at = slots->first + i * slots->stride_bytes;
        shard.shard = i;
        shard.sequence = (uint16_t)(h->sequence + i);
        shard.packet_index = h->packet_index + i;
        shard.flags = lm_gsv_data_flags(i, h->data_shards);
        lm_gsv_write_data_header(at, &shard);
        uint8_t *payload = at + LM_GSV_HEADER_BYTES, *end = payload + slots->payload_bytes;
        if (i == 0 && frame_header) {
            memcpy(payload, frame_header, LM_GSV_FRAME_BYTES);
            payload += LM_GSV_FRAME_BYTES;
        }
        payload += lm_piece_reader_take(in, payload, (size_t)(end - payload));
        memset(payload, 0, (size_t)(end - payload));
    }
}

void lm_packetize_parity(const struct lm_packetize_slots *slots, const struct lm_gsv_header *h,
                         const struct lm_code8 *code)
{
    uint32_t k = lm_code8_data(code), m = lm_code8_parity(code);
    LM_DCHECK(k == h->data_shards && k + m <= LM_CODE8_MAX_SHARDS);
    const uint8_t *data[LM_CODE8_MAX_SHARDS];
    uint8_t *parity[LM_CODE8_MAX_SHARDS];
    for (uint32_t i = 0; i < k; i++)
        data[i] = slots->first + i * slots->stride_bytes + LM_GSV_FEC_FROM;
    for (uint32_t j = 0; j < m; j++)
        parity[j] = slots->first + (k + j) * slots->stride_bytes + LM_GSV_FEC_FROM;
    lm_code8_encode(code, data, parity,
                    LM_GSV_HEADER_BYTES - LM_GSV_FEC_FROM + slots->payload_bytes);
    struct lm_gsv_header shard = *h;
    for (uint32_t j = 0; j < m; j++) {
        shard.shard = k + j;
        shard.sequence = (uint16_t)(h->sequence + k + j);
        lm_gsv_write_parity_header(parity[j] - LM_GSV_FEC_FROM, &shard);
    }
}
