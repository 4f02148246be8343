#include "core/wire/gs_audio.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum { RTP_BYTE0 = 0x80 };

static void write_rtp(uint8_t *out, uint8_t type, uint16_t sequence, uint32_t timestamp_ms)
{
    out[0] = RTP_BYTE0;
    out[1] = type;
    lm_put_be16(out + 2, sequence);
    lm_put_be32(out + 4, timestamp_ms);
    lm_put_be32(out + 8, 0);
}

void lm_gsa_write_data_header(uint8_t out[LM_RTP_BYTES], uint16_t sequence, uint32_t timestamp_ms)
{
    write_rtp(out, LM_GSA_TYPE_DATA, sequence, timestamp_ms);
}

void lm_gsa_write_parity_header(uint8_t out[LM_GSA_FEC_HEADER_BYTES], uint32_t row, uint16_t base,
                                uint32_t base_timestamp_ms)
{
    LM_DCHECK(base % LM_GSA_BLOCK_DATA == 0 && row < LM_GSA_BLOCK_PARITY);
    write_rtp(out, LM_GSA_TYPE_PARITY, (uint16_t)(base + LM_GSA_BLOCK_DATA + row), 0);
    out[12] = (uint8_t)row;
    out[13] = LM_GSA_TYPE_DATA;
    lm_put_be16(out + 14, base);
    lm_put_be32(out + 16, base_timestamp_ms);
    lm_put_be32(out + 20, 0);
}

static int parse_parity(const uint8_t *datagram, size_t size_bytes, struct lm_gsa_packet *out)
{
    if (size_bytes <= LM_GSA_FEC_HEADER_BYTES || datagram[12] >= LM_GSA_BLOCK_PARITY ||
        datagram[13] != LM_GSA_TYPE_DATA)
        return LM_EPROTO;
    *out = (struct lm_gsa_packet){
        .is_parity = true,
        .row = datagram[12],
        .sequence = lm_get_be16(datagram + 14),
        .timestamp_ms = lm_get_be32(datagram + 16),
        .body = datagram + LM_GSA_FEC_HEADER_BYTES,
        .body_bytes = size_bytes - LM_GSA_FEC_HEADER_BYTES,
    };
    return out->sequence % LM_GSA_BLOCK_DATA == 0 ? 0 : LM_EPROTO;
}

int lm_gsa_parse(const uint8_t *datagram, size_t size_bytes, struct lm_gsa_packet *out)
{
    if (size_bytes <= LM_RTP_BYTES || size_bytes > LM_GSA_MAX_DATAGRAM_BYTES ||
        datagram[0] != RTP_BYTE0)
        return LM_EPROTO;
    if (datagram[1] == LM_GSA_TYPE_PARITY)
        return parse_parity(datagram, size_bytes, out);
    if (datagram[1] != LM_GSA_TYPE_DATA)
        return LM_EPROTO;
    *out = (struct lm_gsa_packet){
        .sequence = lm_get_be16(datagram + 2),
        .timestamp_ms = lm_get_be32(datagram + 4),
        .body = datagram + LM_RTP_BYTES,
        .body_bytes = size_bytes - LM_RTP_BYTES,
    };
    return 0;
}

void lm_gsa_iv(uint8_t iv[16], uint32_t rikeyid, uint16_t sequence)
{
    memset(iv, 0, 16);
    lm_put_be32(iv, rikeyid + sequence);
}
