#include "core/wire/l1_video.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

enum {
    HEADER_FLAGS = LM_L1_EPOCH | LM_L1_CLEAR,
    VIDEO_FLAGS = LM_L1_LAST_BLOCK | LM_L1_KEY_FRAME | LM_L1_RECOVERY_POINT,
    MAX_KIND = 15,
    GF8_MAX_SHARDS = 255,
    GF16_MAX_POINTS = 65536,
};

static uint64_t get_be64(const uint8_t *p)
{
    return (uint64_t)lm_get_be32(p) << 32 | lm_get_be32(p + 4);
}

static void put_be64(uint8_t *p, uint64_t v)
{
    lm_put_be32(p, (uint32_t)(v >> 32));
    lm_put_be32(p + 4, (uint32_t)v);
}

void lm_l1_write_header(uint8_t out[LM_L1_HEADER_BYTES], const struct lm_l1_header *header)
{
    LM_DCHECK(header->kind <= MAX_KIND && !(header->flags & ~HEADER_FLAGS));
    out[0] = (uint8_t)(LM_L1_VERSION << 4 | header->kind);
    out[1] = header->flags;
    lm_put_be16(out + 2, 0);
    lm_put_be32(out + 4, header->session_id);
    put_be64(out + 8, header->sequence);
}

int lm_l1_parse_header(const uint8_t *data, size_t size_bytes, struct lm_l1_header *out)
{
    if (size_bytes < LM_L1_HEADER_BYTES)
        return LM_EPROTO;
    *out = (struct lm_l1_header){
        .kind = data[0] & MAX_KIND,
        .flags = data[1],
        .session_id = lm_get_be32(data + 4),
        .sequence = get_be64(data + 8),
    };
    if (data[0] >> 4 != LM_L1_VERSION || (data[1] & ~HEADER_FLAGS) || lm_get_be16(data + 2))
        return LM_EPROTO;
    return 0;
}

void lm_l1_write_nonce(uint8_t out[LM_L1_NONCE_BYTES], const uint8_t salt[LM_L1_SALT_BYTES],
                       uint64_t sequence)
{
    memcpy(out, salt, LM_L1_SALT_BYTES);
    put_be64(out + LM_L1_SALT_BYTES, sequence);
}

static uint32_t least_power_of_two(uint32_t at_least)
{
    return at_least <= 1 ? 1 : UINT32_C(1) << (32 - __builtin_clz(at_least - 1));
}

bool lm_l1_code_covers(uint8_t code, uint32_t data_shards, uint32_t parity_shards)
{
    uint32_t k = data_shards, m = parity_shards;
    if (k < 1 || k > LM_L1_MAX_BLOCK_SHARDS || m > LM_L1_MAX_BLOCK_SHARDS ||
        k + m > LM_L1_MAX_BLOCK_SHARDS)
        return false;
    switch (code) {
    case LM_L1_CODE_NONE:
        return m == 0;
    case LM_L1_CODE_GF8:
        return m >= 1 && k + m <= GF8_MAX_SHARDS;
    case LM_L1_CODE_GF16:
        return m >= 1 && m <= k && least_power_of_two(m) + k <= GF16_MAX_POINTS;
    default:
        return false;
    }
}

void lm_l1_write_video(uint8_t out[LM_L1_VIDEO_BYTES], const struct lm_l1_video *video)
{
    LM_DCHECK(video->shard < (uint32_t)video->data_shards + video->parity_shards);
    LM_DCHECK(lm_l1_code_covers(video->code, video->data_shards, video->parity_shards));
    lm_put_be32(out, video->frame);
    lm_put_be16(out + 4, video->block);
    lm_put_be16(out + 6, video->shard);
    lm_put_be16(out + 8, video->data_shards);
    lm_put_be16(out + 10, video->parity_shards);
    out[12] = video->code;
    out[13] = video->flags;
    lm_put_be16(out + 14, video->last_shard_bytes);
}

/* Only the last shard of a frame without parity may be cut, and then to its payload. */
static bool shard_size_is_valid(const struct lm_l1_video *v, size_t bytes, uint32_t shard_bytes)
{
    if (bytes == shard_bytes)
        return true;
    return v->code == LM_L1_CODE_NONE && v->shard + 1 == v->data_shards &&
           bytes == v->last_shard_bytes;
}

int lm_l1_parse_video(const uint8_t *data, size_t size_bytes, uint32_t shard_bytes,
                      struct lm_l1_video *out)
{
    if (size_bytes <= LM_L1_VIDEO_BYTES)
        return LM_EPROTO;
    *out = (struct lm_l1_video){
        .frame = lm_get_be32(data),
        .block = lm_get_be16(data + 4),
        .shard = lm_get_be16(data + 6),
        .data_shards = lm_get_be16(data + 8),
        .parity_shards = lm_get_be16(data + 10),
        .code = data[12],
        .flags = data[13],
        .last_shard_bytes = lm_get_be16(data + 14),
    };
    bool is_last = out->flags & LM_L1_LAST_BLOCK;
    if (!lm_l1_code_covers(out->code, out->data_shards, out->parity_shards) ||
        out->shard >= (uint32_t)out->data_shards + out->parity_shards ||
        (out->flags & ~VIDEO_FLAGS))
        return LM_EPROTO;
    if (out->last_shard_bytes < 1 || out->last_shard_bytes > shard_bytes ||
        (!is_last && out->last_shard_bytes != shard_bytes))
        return LM_EPROTO;
    return shard_size_is_valid(out, size_bytes - LM_L1_VIDEO_BYTES, shard_bytes) ? 0 : LM_EPROTO;
}

void lm_l1_write_frame(uint8_t out[LM_L1_FRAME_BYTES], const struct lm_l1_frame *frame)
{
    put_be64(out, frame->capture_ns);
    lm_put_be32(out + 8, frame->capture_to_send_us);
    lm_put_be32(out + 12, frame->display_hint_us);
    lm_put_be32(out + 16, frame->flags);
    lm_put_be32(out + 20, 0);
}

int lm_l1_parse_frame(const uint8_t *data, size_t size_bytes, struct lm_l1_frame *out)
{
    if (size_bytes < LM_L1_FRAME_BYTES)
        return LM_EPROTO;
    *out = (struct lm_l1_frame){
        .capture_ns = get_be64(data),
        .capture_to_send_us = lm_get_be32(data + 8),
        .display_hint_us = lm_get_be32(data + 12),
        .flags = lm_get_be32(data + 16),
    };
    return 0;
}
