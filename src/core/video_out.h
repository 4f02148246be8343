/* The video sender of either phase behind one set of calls. One thread. */
#ifndef LUMEN_CORE_VIDEO_OUT_H
#define LUMEN_CORE_VIDEO_OUT_H

#include "core/send/l1_sender.h"
#include "core/send/sender.h"
#include "lumen_core.h"

/* A part of a frame, or all of it. */
struct lm_video_part {
    const uint8_t *data;
    size_t size_bytes;
    uint64_t pts_ns, now_ns;
    uint32_t flags; /* LUMEN_FRAME_... */
    uint32_t parts; /* of the frame, with its first part; 0: a further part */
};

/* Embedded; zeroed is finished. */
struct lm_video_out {
    struct lm_sender *gs;
    struct lm_l1_sender *l1;
    uint32_t max_parts;
    uint32_t parts_left; /* of the begun frame */
    uint32_t lent;       /* datagrams pulled and not done */
};

/* `config` as lm_config_read made it; `max_parts` is 1..64, the most that a frame comes in. LM_E
 * codes of the senders' create. */
int lm_video_out_init(struct lm_video_out *o, const LumenConfig *config,
                      uint32_t max_parts) LM_MUST_USE;
void lm_video_out_finish(struct lm_video_out *o);

/* LM_EFULL: nothing has changed. Other errors end the frame. */
int lm_video_out_push(struct lm_video_out *o, const struct lm_video_part *part) LM_MUST_USE;

/* A whole frame; on any error nothing was begun. */
int lm_video_out_push_frame(struct lm_video_out *o, const struct lm_video_part *part) LM_MUST_USE;

/* As lm_sender_pull and lm_l1_sender_pull; LM_EIO: encryption failed, the frame is dropped. */
int lm_video_out_pull(struct lm_video_out *o, uint64_t now_ns, struct lm_batch *batch,
                      uint64_t *wake_at) LM_MUST_USE;
/* LM_EINVAL: more than were pulled. */
int lm_video_out_done(struct lm_video_out *o, uint32_t segments, uint64_t now_ns) LM_MUST_USE;

/* Frames and packets that the sender itself knows of. */
void lm_video_out_get_stats(const struct lm_video_out *o, LumenStats *out);

#endif
