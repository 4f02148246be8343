#include "core/abi_common.h"

#include "core/base/check.h"
#include "core/base/err.h"
#include "core/wire/wire.h"

#include <stdbool.h>
#include <string.h>

enum {
    DEFAULT_GS_PAYLOAD = 1376, /* packet size 1392, what stock clients ask for */
    DEFAULT_FRAME_BYTES = 4 << 20,
    DEFAULT_IN_FLIGHT = 4,
    MAX_L1_PERCENT = 100,
    MAX_REORDER_US = 1000000,
};

#define MAX_FRAME_BYTES (UINT64_C(1) << 31)

/* What the first version had: to the end of max_frame_bytes. */
#define CONFIG_FIRST_BYTES 64

_Static_assert(offsetof(LumenConfig, max_frame_bytes) + sizeof(uint64_t) == CONFIG_FIRST_BYTES,
               "the first version's members stay where they are");

LumenStatus lm_status_of(int rc)
{
    switch (rc) {
    case LM_ENOMEM:
        return LUMEN_STATUS_NO_MEMORY;
    case LM_EIO:
        return LUMEN_STATUS_IO;
    case LM_EAGAIN:
        return LUMEN_STATUS_NO_FRAME;
    case LM_EFULL:
        return LUMEN_STATUS_FULL;
    case LM_EAUTH:
        return LUMEN_STATUS_CRYPTO;
    case LM_EUNSUPPORTED:
        return LUMEN_STATUS_UNSUPPORTED;
    case LM_ECLOSED:
        return LUMEN_STATUS_CLOSED;
    case LM_ENOENT:
        return LUMEN_STATUS_UNRECOVERABLE;
    case LM_EEXIST:
        return LUMEN_STATUS_IN_USE;
    default:
        return rc < 0 ? LUMEN_STATUS_INVALID_ARG : LUMEN_STATUS_OK;
    }
}

LumenStatus lm_create_status(int rc)
{
    return rc == LM_EUNSUPPORTED ? LUMEN_STATUS_CRYPTO : lm_status_of(rc);
}

LumenStatus lm_push_status(int rc)
{
    return rc == LM_EIO ? LUMEN_STATUS_CRYPTO : lm_status_of(rc);
}

const char *lumen_status_text(LumenStatus status)
{
    static const char *const texts[] = {
        "success",
        "an argument is out of its range, or not for this role",
        "a pointer is NULL that must not be",
        "nothing there now",
        "closed",
        "the system refused",
        "encryption is not possible",
        "not supported in this combination",
        "no memory",
        "another call of this kind is running",
        "no room",
        "the address is in use",
        "more is lost than can be restored",
    };
    int at = -(int)status;
    if (at < 0 || (size_t)at >= LM_ARRAY_LEN(texts))
        return "unknown status";
    return texts[at];
}

uint32_t lumen_abi_version(void)
{
    return LUMEN_ABI_VERSION;
}

static void fill_defaults(LumenConfig *c)
{
    bool is_gs = c->phase == LUMEN_PHASE_GAMESTREAM;
    if (!c->shard_payload)
        c->shard_payload = is_gs ? DEFAULT_GS_PAYLOAD : LM_L1_DEFAULT_SHARD_BYTES;
    if (!c->max_frame_bytes)
        c->max_frame_bytes = DEFAULT_FRAME_BYTES;
    if (!c->frames_in_flight)
        c->frames_in_flight = DEFAULT_IN_FLIGHT;
}

static bool shard_is_valid(const LumenConfig *c)
{
    if (c->phase == LUMEN_PHASE_GAMESTREAM)
        return c->shard_payload >= LM_GSV_MIN_PACKET_SIZE - LM_GSV_NV_BYTES &&
               c->shard_payload <= LM_GSV_MAX_PACKET_SIZE - LM_GSV_NV_BYTES;
    return c->shard_payload >= LM_L1_MIN_SHARD_BYTES && c->shard_payload <= LM_L1_MAX_SHARD_BYTES &&
           c->shard_payload % LM_L1_SHARD_STEP_BYTES == 0;
}

static bool is_valid(const LumenConfig *c)
{
    uint32_t max_percent =
        c->phase == LUMEN_PHASE_GAMESTREAM ? (uint32_t)LM_GSV_MAX_PERCENT : MAX_L1_PERCENT;
    return c->role <= LUMEN_ROLE_CLIENT &&
           (c->phase == LUMEN_PHASE_GAMESTREAM || c->phase == LUMEN_PHASE_LUMEN1) &&
           c->fec_scheme <= LUMEN_FEC_GF16 && c->fec_percent <= max_percent &&
           c->max_data_per_block <= LM_L1_MAX_BLOCK_SHARDS && shard_is_valid(c) &&
           c->encrypt <= 1 && c->max_frame_bytes <= MAX_FRAME_BYTES &&
           c->reorder_us <= MAX_REORDER_US && c->frames_in_flight >= 2 && c->frames_in_flight <= 16;
}

LumenStatus lm_config_read(const LumenConfig *in, uint32_t role, LumenConfig *out)
{
    LM_NEED(in);
    uint32_t size_bytes = in->struct_size;
    memset(out, 0, sizeof *out);
    if (size_bytes < CONFIG_FIRST_BYTES)
        return LUMEN_STATUS_INVALID_ARG;
    memcpy(out, in, LM_MIN(size_bytes, sizeof *out));
    out->struct_size = sizeof *out;
    fill_defaults(out);
    if (!is_valid(out) || out->role != role)
        return LUMEN_STATUS_INVALID_ARG;
    if (out->phase == LUMEN_PHASE_GAMESTREAM) {
        if (out->fec_scheme != LUMEN_FEC_GF8)
            return LUMEN_STATUS_UNSUPPORTED;
        uint64_t most = (uint64_t)LM_GSV_MAX_FRAME_SHARDS * out->shard_payload - LM_GSV_FRAME_BYTES;
        out->max_frame_bytes = LM_MIN(out->max_frame_bytes, most);
    }
    return LUMEN_STATUS_OK;
}

uint32_t lm_config_datagram_bytes(const LumenConfig *c)
{
    if (c->phase == LUMEN_PHASE_GAMESTREAM)
        return c->shard_payload + LM_GSV_HEADER_BYTES + (c->encrypt ? LM_GSV_PREFIX_BYTES : 0);
    return c->shard_payload + LM_L1_HEADER_BYTES + LM_L1_VIDEO_BYTES +
           (c->encrypt ? LM_L1_TAG_BYTES : 0);
}

static uint64_t frame_shards(const LumenConfig *c)
{
    return (c->max_frame_bytes + LM_L1_FRAME_BYTES) / c->shard_payload + 1;
}

/* Blocks are only small where they are set so; each part of a frame rounds their number up. */
uint32_t lm_config_frame_blocks(const LumenConfig *c)
{
    uint32_t least = LM_L1_MIN_BLOCK_DATA;
    if (c->max_data_per_block)
        least = LM_MIN(least, c->max_data_per_block);
    return (uint32_t)LM_MIN(frame_shards(c) / least + LM_MAX_PARTS, (uint64_t)LM_L1_MAX_BLOCKS);
}

uint64_t lm_config_frame_datagrams(const LumenConfig *c)
{
    uint64_t data = frame_shards(c);
    /* Parity is rounded up once per block. */
    return data + data * c->fec_percent / 100 + lm_config_frame_blocks(c);
}
