#include "core/video_out.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/hash.h"
#include "core/send/l1_layout.h"

#include <string.h>

enum { GS_MAX_BLOCKS = LM_GSV_MAX_BLOCKS };

static int init_gs(struct lm_video_out *o, const LumenConfig *c)
{
    struct lm_sender_config config = {
        .packet_size = c->shard_payload + LM_GSV_NV_BYTES,
        .fec_percent = c->fec_percent,
        .encrypt = c->encrypt,
        .max_frame_bytes = (uint32_t)c->max_frame_bytes,
        .pace_bytes_per_s = c->pace_bytes_per_s,
        .burst_bytes = c->burst_bytes,
    };
    memcpy(config.key, c->key, sizeof config.key);
    int rc = lm_sender_create(&config, &o->gs);
    lm_wipe(config.key, sizeof config.key);
    return rc;
}

static int init_l1(struct lm_video_out *o, const LumenConfig *c)
{
    enum lm_l1_code code = !c->fec_percent                  ? LM_L1_CODE_NONE
                           : c->fec_scheme == LUMEN_FEC_GF8 ? LM_L1_CODE_GF8
                                                            : LM_L1_CODE_GF16;
    uint32_t most = lm_l1_max_data(code, c->fec_percent);
    struct lm_l1_sender_config config = {
        .session_id = c->session_id,
        .shard_bytes = c->shard_payload,
        .code = code,
        .fec_percent = c->fec_percent,
        .max_data_per_block = LM_MIN(c->max_data_per_block, most),
        .encrypt = c->encrypt,
        .max_frame_bytes = c->max_frame_bytes,
        .max_pushes = o->max_parts,
        .pace_bytes_per_s = c->pace_bytes_per_s,
        .burst_bytes = c->burst_bytes,
    };
    memcpy(config.key, c->key, sizeof config.key);
    memcpy(config.salt, c->salt, sizeof config.salt);
    int rc = lm_l1_sender_create(&config, &o->l1);
    lm_wipe(config.key, sizeof config.key);
    return rc;
}

int lm_video_out_init(struct lm_video_out *o, const LumenConfig *config, uint32_t max_parts)
{
    bool is_gs = config->phase == LUMEN_PHASE_GAMESTREAM;
    *o = (struct lm_video_out){.max_parts =
                                   is_gs ? LM_MIN(max_parts, (uint32_t)GS_MAX_BLOCKS) : max_parts};
    return is_gs ? init_gs(o, config) : init_l1(o, config);
}

void lm_video_out_finish(struct lm_video_out *o)
{
    lm_sender_destroy(o->gs);
    lm_l1_sender_destroy(o->l1);
    *o = (struct lm_video_out){0};
}

/* Capture time on a 90 kHz clock, rounded, of which 32 bits count. */
static uint32_t timestamp_of(uint64_t pts_ns)
{
    uint64_t seconds = pts_ns / LM_NS_PER_S, rest_ns = pts_ns % LM_NS_PER_S;
    return (uint32_t)(seconds * 90000 + (rest_ns * 90000 + LM_NS_PER_S / 2) / LM_NS_PER_S);
}

static struct lm_frame_begin gs_begin(const struct lm_video_part *p)
{
    enum lm_frame_type type = p->flags & LUMEN_FRAME_KEY        ? LM_FRAME_KEY
                              : p->flags & LUMEN_FRAME_RECOVERY ? LM_FRAME_RECOVERED
                                                                : LM_FRAME_P;
    uint64_t age_ns = p->now_ns > p->pts_ns ? p->now_ns - p->pts_ns : 0;
    uint64_t age_100us = age_ns / (LM_NS_PER_MS / 10);
    return (struct lm_frame_begin){
        .type = type,
        .timestamp_90k = timestamp_of(p->pts_ns),
        /* The field has 16 bits; a time of another clock is none. */
        .latency_100us = age_100us <= UINT16_MAX ? (uint32_t)age_100us : 0,
        .block_count = p->parts,
        .now_ns = p->now_ns,
    };
}

/* lumen/1 keeps bit 0 of its frame flags for itself, ours are one higher there; all bits stay. */
static struct lm_l1_frame_begin l1_begin(const struct lm_video_part *p)
{
    return (struct lm_l1_frame_begin){
        .capture_ns = p->pts_ns,
        .flags = p->flags << 1 | p->flags >> 31,
        .now_ns = p->now_ns,
    };
}

_Static_assert(LUMEN_FRAME_KEY << 1 == LM_L1_KEY_FRAME &&
                   LUMEN_FRAME_RECOVERY << 1 == LM_L1_RECOVERY_POINT,
               "our flags are theirs");

int lm_video_out_push_frame(struct lm_video_out *o, const struct lm_video_part *part)
{
    struct lm_piece piece = {part->data, part->size_bytes};
    if (o->gs) {
        struct lm_frame_begin begin = gs_begin(part);
        return lm_sender_push_frame(o->gs, &begin, &piece, 1);
    }
    struct lm_l1_frame_begin begin = l1_begin(part);
    return lm_l1_sender_push_frame(o->l1, &begin, &piece, 1);
}

static void abort_frame(struct lm_video_out *o)
{
    o->parts_left = 0;
    if (o->gs)
        lm_sender_abort(o->gs);
    else
        lm_l1_sender_abort(o->l1);
}

static int begin(struct lm_video_out *o, const struct lm_video_part *part)
{
    int rc;
    if (part->parts > o->max_parts)
        return LM_EINVAL;
    if (o->gs) {
        struct lm_frame_begin b = gs_begin(part);
        rc = lm_sender_begin(o->gs, &b);
    } else {
        struct lm_l1_frame_begin b = l1_begin(part);
        rc = lm_l1_sender_begin(o->l1, &b);
    }
    if (rc == 0)
        o->parts_left = part->parts;
    return rc;
}

int lm_video_out_push(struct lm_video_out *o, const struct lm_video_part *part)
{
    int rc = 0;
    if (part->parts) {
        if (o->parts_left)
            abort_frame(o);
        rc = begin(o, part);
    } else if (!o->parts_left) {
        return LM_EINVAL;
    }
    if (rc < 0)
        return rc;
    if (!part->size_bytes)
        rc = LM_EINVAL;
    else if (o->gs)
        rc = lm_sender_push_block(o->gs, part->data, part->size_bytes, part->now_ns);
    else {
        struct lm_piece piece = {part->data, part->size_bytes};
        rc = lm_l1_sender_push(o->l1, &piece, 1, o->parts_left == 1, part->now_ns);
    }
    if (rc < 0)
        abort_frame(o);
    else
        o->parts_left--;
    return rc;
}

int lm_video_out_pull(struct lm_video_out *o, uint64_t now_ns, struct lm_batch *batch,
                      uint64_t *wake_at)
{
    int rc = o->gs ? lm_sender_pull(o->gs, now_ns, batch, wake_at)
                   : lm_l1_sender_pull(o->l1, now_ns, batch, wake_at);
    o->lent = rc == 1 ? batch->segments : 0;
    return rc;
}

int lm_video_out_done(struct lm_video_out *o, uint32_t segments, uint64_t now_ns)
{
    if (segments > o->lent || !o->lent)
        return LM_EINVAL;
    o->lent = 0;
    if (o->gs)
        lm_sender_done(o->gs, segments, now_ns);
    else
        lm_l1_sender_done(o->l1, segments, now_ns);
    return 0;
}

void lm_video_out_get_stats(const struct lm_video_out *o, LumenStats *out)
{
    *out = (LumenStats){0};
    if (o->gs) {
        struct lm_sender_stats s;
        lm_sender_get_stats(o->gs, &s);
        out->frames_completed = s.frames;
        out->frames_dropped = s.frames_dropped + s.frames_abandoned;
        out->packets_sent = s.datagrams_sent;
        out->bytes_sent = s.bytes_sent;
    } else {
        struct lm_l1_sender_stats s;
        lm_l1_sender_get_stats(o->l1, &s);
        out->frames_completed = s.frames;
        out->frames_dropped = s.frames_dropped + s.frames_abandoned;
        out->packets_sent = s.datagrams_sent;
        out->bytes_sent = s.bytes_sent;
    }
    out->frames_submitted = out->frames_completed + out->frames_dropped;
}
