#include "core/video_in.h"

#include "core/abi_common.h"
#include "core/base/time.h"
#include "core/crypto/hash.h"

#include <string.h>

/* Frame types of GameStream, as send/sender.h has them. */
enum { TYPE_KEY = 2, TYPE_RECOVERED = 5 };

static int init_gs(struct lm_video_in *in, const LumenConfig *c, uint64_t reorder_ns)
{
    struct lm_receiver_config config = {
        .packet_size = c->shard_payload + LM_GSV_NV_BYTES,
        .encrypted = c->encrypt,
        .max_frame_bytes = (uint32_t)c->max_frame_bytes,
        .frames_in_flight = c->frames_in_flight,
        .reorder_ns = reorder_ns,
    };
    memcpy(config.key, c->key, sizeof config.key);
    int rc = lm_receiver_create(&config, &in->gs);
    lm_wipe(config.key, sizeof config.key);
    return rc;
}

static int init_l1(struct lm_video_in *in, const LumenConfig *c, uint64_t reorder_ns)
{
    struct lm_l1_receiver_config config = {
        .session_id = c->session_id,
        .shard_bytes = c->shard_payload,
        .encrypted = c->encrypt,
        .max_frame_bytes = c->max_frame_bytes,
        .max_fec_percent = c->fec_percent,
        .max_blocks = lm_config_frame_blocks(c),
        .frames_in_flight = c->frames_in_flight,
        .reorder_ns = reorder_ns,
    };
    memcpy(config.key, c->key, sizeof config.key);
    memcpy(config.salt, c->salt, sizeof config.salt);
    int rc = lm_l1_receiver_create(&config, &in->l1);
    lm_wipe(config.key, sizeof config.key);
    return rc;
}

int lm_video_in_init(struct lm_video_in *in, const LumenConfig *config, uint64_t reorder_ns)
{
    *in = (struct lm_video_in){0};
    return config->phase == LUMEN_PHASE_GAMESTREAM ? init_gs(in, config, reorder_ns)
                                                   : init_l1(in, config, reorder_ns);
}

void lm_video_in_finish(struct lm_video_in *in)
{
    lm_receiver_destroy(in->gs);
    lm_l1_receiver_destroy(in->l1);
    *in = (struct lm_video_in){0};
}

void lm_video_in_push(struct lm_video_in *in, uint8_t *datagram, size_t size_bytes, uint64_t now_ns)
{
    if (in->gs)
        lm_receiver_push(in->gs, datagram, size_bytes, now_ns);
    else
        lm_l1_receiver_push(in->l1, datagram, size_bytes, now_ns);
}

/* A 90 kHz clock of 32 bits, counted on from the first frame's value. */
static uint64_t pts_of(struct lm_video_in *in, uint32_t timestamp_90k)
{
    if (!in->any)
        in->ticks = timestamp_90k;
    else
        in->ticks += (uint64_t)(int64_t)(int32_t)(timestamp_90k - in->timestamp_90k);
    in->any = true;
    in->timestamp_90k = timestamp_90k;
    uint64_t seconds = in->ticks / 90000, rest = in->ticks % 90000;
    return seconds * LM_NS_PER_S + (rest * LM_NS_PER_S + 45000) / 90000;
}

static int pop_gs(struct lm_video_in *in, uint64_t now_ns, LumenFrame *out)
{
    struct lm_received_frame f;
    if (!lm_receiver_pop(in->gs, now_ns, &f))
        return 0;
    uint32_t flags = f.type == TYPE_KEY         ? LUMEN_FRAME_KEY
                     : f.type == TYPE_RECOVERED ? LUMEN_FRAME_RECOVERY
                                                : 0;
    *out = (LumenFrame){
        .data = f.data,
        .len = f.size_bytes,
        .frame_index = f.frame_index,
        .pts_ns = pts_of(in, f.timestamp_90k),
        .flags = flags,
    };
    return 1;
}

int lm_video_in_pop(struct lm_video_in *in, uint64_t now_ns, LumenFrame *out)
{
    if (in->gs)
        return pop_gs(in, now_ns, out);
    struct lm_l1_received_frame f;
    if (!lm_l1_receiver_pop(in->l1, now_ns, &f))
        return 0;
    *out = (LumenFrame){
        .data = f.data,
        .len = f.size_bytes,
        .frame_index = f.frame_index,
        .pts_ns = f.header.capture_ns,
        .flags = f.header.flags >> 1 | f.header.flags << 31, /* as lm_video_out turned them */
    };
    return 1;
}

bool lm_video_in_pop_loss(struct lm_video_in *in, LumenLoss *out)
{
    struct lm_loss loss;
    if (in->gs ? !lm_receiver_pop_loss(in->gs, &loss) : !lm_l1_receiver_pop_loss(in->l1, &loss))
        return false;
    *out = (LumenLoss){loss.first, loss.last};
    return true;
}

uint64_t lm_video_in_wake_at(const struct lm_video_in *in)
{
    return in->gs ? lm_receiver_wake_at(in->gs) : lm_l1_receiver_wake_at(in->l1);
}

void lm_video_in_get_stats(const struct lm_video_in *in, LumenStats *out)
{
    *out = (LumenStats){0};
    if (in->gs) {
        struct lm_receiver_stats s;
        lm_receiver_get_stats(in->gs, &s);
        out->frames_completed = s.frames_delivered;
        out->frames_dropped = s.frames_lost;
        out->packets_received = s.datagrams;
        out->packets_dropped = s.late + s.duplicate + s.malformed + s.unauthentic + s.overflow;
        out->fec_recovered_shards = s.shards_repaired;
        out->bytes_received = s.bytes;
    } else {
        struct lm_l1_receiver_stats s;
        lm_l1_receiver_get_stats(in->l1, &s);
        out->frames_completed = s.frames_delivered;
        out->frames_dropped = s.frames_lost;
        out->packets_received = s.datagrams;
        out->packets_dropped = s.late + s.duplicate + s.malformed + s.unauthentic + s.overflow;
        out->fec_recovered_shards = s.shards_repaired;
        out->bytes_received = s.bytes;
    }
}
