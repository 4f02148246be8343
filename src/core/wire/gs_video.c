#include "core/wire/gs_video.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum {
    RTP_EXTENSION_BIT = 0x10,
    RTP_BYTE0 = 0x90,
    MULTI_FEC_FLAGS = 0x10,
    FRAME_HEADER_SHORT = 0x01,
    IV_VIDEO = 'V',
    PREFIX_FRAME_OFFSET = 12,
};

static void write_common(uint8_t *shard, const struct lm_gsv_header *h)
{
    shard[0] = RTP_BYTE0;
    shard[1] = 0;
    lm_put_be16(shard + 2, h->sequence);
    lm_put_be32(shard + 4, h->timestamp_90k);
    lm_put_be32(shard + 8, 0);
    lm_put_be32(shard + 12, 0);
    lm_put_le32(shard + 20, h->frame_index);
    shard[27] = (uint8_t)(h->block << 4 | (h->block_count - 1) << 6);
    lm_put_le32(shard + 28, h->data_shards << 22 | h->shard << 12 | h->percent << 4);
}

void lm_gsv_write_data_header(uint8_t *shard, const struct lm_gsv_header *h)
{
    LM_DCHECK(h->shard < h->data_shards && h->data_shards <= LM_GSV_MAX_BLOCK_DATA);
    write_common(shard, h);
    lm_put_le32(shard + 16, h->packet_index << 8);
    shard[24] = h->flags;
    shard[25] = h->extra_flags;
    shard[26] = MULTI_FEC_FLAGS;
}

void lm_gsv_write_parity_header(uint8_t *shard, const struct lm_gsv_header *h)
{
    LM_DCHECK(h->shard >= h->data_shards && h->shard < LM_GSV_MAX_BLOCK_SHARDS);
    write_common(shard, h);
}

int lm_gsv_parse_header(const uint8_t *shard, size_t size_bytes, struct lm_gsv_header *out)
{
    if (size_bytes <= LM_GSV_HEADER_BYTES || !(shard[0] & RTP_EXTENSION_BIT))
        return LM_EPROTO;
    uint32_t fec = lm_get_le32(shard + 28);
    *out = (struct lm_gsv_header){
        .sequence = lm_get_be16(shard + 2),
        .timestamp_90k = lm_get_be32(shard + 4),
        .packet_index = lm_get_le32(shard + 16) >> 8,
        .frame_index = lm_get_le32(shard + 20),
        .flags = shard[24],
        .extra_flags = shard[25],
        .block = shard[27] >> 4 & 3,
        .block_count = (uint32_t)(shard[27] >> 6) + 1,
        .data_shards = fec >> 22,
        .shard = fec >> 12 & 0x3ff,
        .percent = fec >> 4 & 0xff,
    };
    out->parity_shards = (out->data_shards * out->percent + 99) / 100;
    if (out->data_shards + out->parity_shards > LM_GSV_MAX_BLOCK_SHARDS)
        out->parity_shards = 0;
    if (out->data_shards == 0 || out->shard >= out->data_shards + out->parity_shards)
        return LM_EPROTO;
    if (out->block >= out->block_count)
        return LM_EPROTO;
    bool is_data = out->shard < out->data_shards;
    if (is_data && out->flags != lm_gsv_data_flags(out->shard, out->data_shards))
        return LM_EPROTO;
    return 0;
}

void lm_gsv_write_frame_header(uint8_t out[LM_GSV_FRAME_BYTES], const struct lm_gsv_frame_header *h)
{
    out[0] = FRAME_HEADER_SHORT;
    lm_put_le16(out + 1, (uint16_t)LM_MIN(h->latency_100us, UINT16_MAX));
    out[3] = (uint8_t)h->type;
    lm_put_le16(out + 4, (uint16_t)h->last_payload_bytes);
    lm_put_le16(out + 6, 0);
}

int lm_gsv_parse_frame_header(const uint8_t in[LM_GSV_FRAME_BYTES], size_t payload_bytes,
                              struct lm_gsv_frame_header *out)
{
    *out = (struct lm_gsv_frame_header){
        .latency_100us = lm_get_le16(in + 1),
        .type = in[3],
        .last_payload_bytes = lm_get_le16(in + 4),
    };
    if (in[0] != FRAME_HEADER_SHORT)
        return LM_EPROTO;
    if (out->last_payload_bytes == 0 || out->last_payload_bytes > payload_bytes)
        return LM_EPROTO;
    return 0;
}

void lm_gsv_write_prefix(uint8_t *datagram, uint64_t counter, uint32_t frame_index)
{
    lm_put_le64(datagram, counter);
    memset(datagram + 8, 0, 3);
    datagram[11] = IV_VIDEO;
    lm_put_le32(datagram + PREFIX_FRAME_OFFSET, frame_index);
}

int lm_gsv_parse_prefix(const uint8_t *datagram, size_t size_bytes, struct lm_gsv_prefix *out)
{
    if (size_bytes <= LM_GSV_PREFIX_BYTES + LM_GSV_HEADER_BYTES || datagram[11] != IV_VIDEO)
        return LM_EPROTO;
    memcpy(out->iv, datagram, sizeof out->iv);
    out->frame_index = lm_get_le32(datagram + PREFIX_FRAME_OFFSET);
    return 0;
}
