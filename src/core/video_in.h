/* The video receiver of either phase behind one set of calls. One thread. */
#ifndef LUMEN_CORE_VIDEO_IN_H
#define LUMEN_CORE_VIDEO_IN_H

#include "core/recv/l1_receiver.h"
#include "core/recv/receiver.h"
#include "lumen_core.h"

/* Embedded; zeroed is finished. */
struct lm_video_in {
    struct lm_receiver *gs;
    struct lm_l1_receiver *l1;
    bool any;
    uint32_t timestamp_90k; /* phase 1: of the frame before, */
    uint64_t ticks;         /* which, counted on beyond 32 bits, is this */
};

/* `config` as lm_config_read made it. LM_E codes of the receivers' create. */
int lm_video_in_init(struct lm_video_in *in, const LumenConfig *config,
                     uint64_t reorder_ns) LM_MUST_USE;
void lm_video_in_finish(struct lm_video_in *in);

void lm_video_in_push(struct lm_video_in *in, uint8_t *datagram, size_t size_bytes,
                      uint64_t now_ns);
/* 1 or 0. */
int lm_video_in_pop(struct lm_video_in *in, uint64_t now_ns, LumenFrame *out) LM_MUST_USE;
bool lm_video_in_pop_loss(struct lm_video_in *in, LumenLoss *out) LM_MUST_USE;
uint64_t lm_video_in_wake_at(const struct lm_video_in *in);

/* What the receiver itself knows of. */
void lm_video_in_get_stats(const struct lm_video_in *in, LumenStats *out);

#endif
