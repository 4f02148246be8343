/* A lumen/1 datagram in clear. Input: one byte, the shard size in steps of 64 from 512 on, then the
 * datagram. What is taken must be consistent and, written again, give the same bytes. */
#include "core/base/check.h"
#include "core/wire/l1_video.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_video(const uint8_t *data, size_t size, uint32_t shard_bytes)
{
    struct lm_l1_video v;
    uint8_t again[LM_L1_VIDEO_BYTES];
    if (lm_l1_parse_video(data, size, shard_bytes, &v) < 0)
        return;
    LM_CHECK(size <= LM_L1_VIDEO_BYTES + shard_bytes);
    LM_CHECK(v.shard < v.data_shards + v.parity_shards);
    LM_CHECK(lm_l1_code_covers(v.code, v.data_shards, v.parity_shards));
    LM_CHECK(v.last_shard_bytes >= 1 && v.last_shard_bytes <= shard_bytes);
    LM_CHECK((v.flags & LM_L1_LAST_BLOCK) || v.last_shard_bytes == shard_bytes);
    lm_l1_write_video(again, &v);
    LM_CHECK(memcmp(again, data, sizeof again) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lm_l1_header h;
    struct lm_l1_frame frame;
    uint8_t again[LM_L1_HEADER_BYTES];
    if (size < 1)
        return 0;
    uint32_t shard_bytes = LM_L1_MIN_SHARD_BYTES + LM_L1_SHARD_STEP_BYTES * (data[0] % 64);
    data++;
    size--;
    LM_CHECK((lm_l1_parse_frame(data, size, &frame) == 0) == (size >= LM_L1_FRAME_BYTES));
    if (lm_l1_parse_header(data, size, &h) < 0)
        return 0;
    lm_l1_write_header(again, &h);
    LM_CHECK(memcmp(again, data, sizeof again) == 0);
    check_video(data + LM_L1_HEADER_BYTES, size - LM_L1_HEADER_BYTES, shard_bytes);
    return 0;
}
