#include "stream.h"

#include "core/base/check.h"
#include "core/fec/plan.h"
#include "core/send/l1_layout.h"
#include "core/wire/wire.h"

const struct stream_ops *stream_ops_of(enum code code)
{
    return code == CODE_GAMESTREAM ? &stream_gamestream : &stream_lumen1;
}

enum lm_l1_code stream_l1_code(enum code code)
{
    return code == CODE_GF8    ? LM_L1_CODE_GF8
           : code == CODE_GF16 ? LM_L1_CODE_GF16
                               : LM_L1_CODE_NONE;
}

uint32_t stream_blocks(const struct stream_config *c)
{
    uint32_t header = c->code == CODE_GAMESTREAM ? LM_GSV_FRAME_BYTES : LM_L1_FRAME_BYTES;
    uint32_t shards = (c->frame_bytes + header + c->shard_bytes - 1) / c->shard_bytes;
    uint32_t most = c->code == CODE_GAMESTREAM
                        ? lm_plan_max_data(c->parity_percent)
                        : lm_l1_max_data(stream_l1_code(c->code), c->parity_percent);
    if (c->code != CODE_GAMESTREAM && c->max_block)
        most = LM_MIN(most, c->max_block);
    return most ? (shards + most - 1) / most : 0;
}
