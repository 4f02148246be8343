/* lumen_sender_*: either phase's sender without sockets and clock. */
#include "core/abi_common.h"
#include "core/abi_handle.h"
#include "core/crypto/hash.h"
#include "core/video_out.h"

#include <stdlib.h>
#include <string.h>

struct sender {
    struct lm_video_out video;
    uint64_t max_frame_bytes;
};

static void destroy_sender(struct sender *s)
{
    if (!s)
        return;
    lm_video_out_finish(&s->video);
    free(s);
}

LumenStatus lumen_sender_create(const LumenConfig *config, LumenSender **out)
{
    LumenConfig c;
    LM_NEED(out);
    *out = NULL;
    LumenStatus status = lm_config_read(config, LUMEN_ROLE_HOST, &c);
    if (status != LUMEN_STATUS_OK)
        return status;
    struct sender *s = calloc(1, sizeof *s);
    if (!s)
        return LUMEN_STATUS_NO_MEMORY;
    s->max_frame_bytes = c.max_frame_bytes;
    status = lm_create_status(lm_video_out_init(&s->video, &c, LM_MAX_PARTS));
    lm_wipe(&c, sizeof c);
    if (status == LUMEN_STATUS_OK) {
        *out = lm_handle_make(LM_HANDLE_SENDER, s);
        status = *out ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_MEMORY;
    }
    if (status != LUMEN_STATUS_OK)
        destroy_sender(s);
    return status;
}

void lumen_sender_destroy(LumenSender *sender)
{
    destroy_sender(lm_handle_take(LM_HANDLE_SENDER, sender));
}

static LumenStatus get_sender(const LumenSender *handle, struct sender **out)
{
    void *object;
    LumenStatus status = lm_handle_get(LM_HANDLE_SENDER, handle, &object);
    *out = object;
    return status;
}

LumenStatus lumen_sender_push(LumenSender *sender, const LumenFrameStart *start,
                              const uint8_t *data, size_t len, uint64_t now_ns)
{
    struct sender *s;
    LumenStatus status = get_sender(sender, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(data);
    struct lm_video_part part = {.data = data, .size_bytes = len, .now_ns = now_ns};
    if (start) {
        if (start->struct_size < sizeof *start || !start->parts)
            return LUMEN_STATUS_INVALID_ARG;
        part.pts_ns = start->pts_ns;
        part.flags = start->flags;
        part.parts = start->parts;
    }
    return lm_push_status(lm_video_out_push(&s->video, &part));
}

LumenStatus lumen_sender_push_frame(LumenSender *sender, const LumenFrameStart *start,
                                    const uint8_t *data, size_t len, uint64_t now_ns)
{
    struct sender *s;
    LumenStatus status = get_sender(sender, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(start);
    LM_NEED(data);
    if (start->struct_size < sizeof *start || len < 1 || len > s->max_frame_bytes)
        return LUMEN_STATUS_INVALID_ARG;
    struct lm_video_part part = {.data = data,
                                 .size_bytes = len,
                                 .pts_ns = start->pts_ns,
                                 .now_ns = now_ns,
                                 .flags = start->flags};
    return lm_push_status(lm_video_out_push_frame(&s->video, &part));
}

LumenStatus lumen_sender_pull(LumenSender *sender, uint64_t now_ns, LumenBatch *out,
                              uint64_t *wake_at_ns)
{
    struct sender *s;
    LumenStatus status = get_sender(sender, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(out);
    LM_NEED(wake_at_ns);
    struct lm_batch batch;
    int rc = lm_video_out_pull(&s->video, now_ns, &batch, wake_at_ns);
    memset(out, 0, sizeof *out);
    if (rc < 0)
        return lm_push_status(rc);
    if (rc == 0)
        return LUMEN_STATUS_NO_FRAME;
    out->data = batch.data;
    out->datagram_bytes = batch.segment_bytes;
    out->datagrams = batch.segments;
    out->frame_index = batch.frame_index;
    return LUMEN_STATUS_OK;
}

LumenStatus lumen_sender_done(LumenSender *sender, uint32_t datagrams, uint64_t now_ns)
{
    struct sender *s;
    LumenStatus status = get_sender(sender, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    return lm_status_of(lm_video_out_done(&s->video, datagrams, now_ns));
}

LumenStatus lumen_sender_stats(LumenSender *sender, LumenStats *out)
{
    struct sender *s;
    LumenStatus status = get_sender(sender, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(out);
    lm_video_out_get_stats(&s->video, out);
    return LUMEN_STATUS_OK;
}
