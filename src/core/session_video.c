/* Frames: lumen_host_submit_frame, lumen_client_poll_frame, lumen_client_poll_loss. */
#include "core/abi_common.h"
#include "core/base/check.h"
#include "core/session.h"
#include "core/transport/clock.h"

#include <string.h>

enum {
    POLL_DATAGRAMS = 1 << 17, /* at most in one poll: useless ones must not hold up its caller */
    CLOCK_DATAGRAMS = 64,     /* how often the time is read meanwhile */
};

/* One batch, in as many goes as the socket needs, until `deadline_ns`. After an error *batch is
 * what was not sent. */
static int send_batch(struct lm_session *s, struct lm_batch *batch, uint64_t deadline_ns)
{
    while (batch->segments) {
        int n = lm_link_send(&s->link, LM_LANE_VIDEO, batch);
        if (n == LM_EAGAIN) {
            uint64_t now_ns = lm_clock_now_ns();
            if (now_ns >= deadline_ns)
                return LM_EFULL;
            lm_link_wait_writable(&s->link, (int)((deadline_ns - now_ns) / LM_NS_PER_MS + 1));
            continue;
        }
        if (n < 0)
            return n;
        lm_count(&s->counters.packets_sent, (uint64_t)n);
        lm_count(&s->counters.bytes_sent, (uint64_t)n * batch->segment_bytes);
        batch->data += (size_t)n * batch->segment_bytes;
        batch->segments -= (uint32_t)n;
    }
    return 0;
}

/* All datagrams of the frame that was pushed; after an error the rest of them is passed over. */
static int send_frame(struct lm_session *s, uint64_t now_ns)
{
    uint64_t deadline_ns = now_ns + LUMEN_SEND_WAIT_MS * LM_NS_PER_MS, wake_at;
    struct lm_batch batch;
    int rc = 0, pulled;
    while ((pulled = lm_video_out_pull(&s->out, now_ns, &batch, &wake_at)) == 1) {
        uint32_t segments = batch.segments;
        if (rc == 0)
            rc = send_batch(s, &batch, deadline_ns);
        if (rc < 0)
            lm_count(&s->counters.packets_dropped, batch.segments);
        int done = lm_video_out_done(&s->out, segments, now_ns);
        LM_CHECK(done == 0);
    }
    return pulled < 0 ? LM_EAUTH : rc;
}

static LumenStatus submit(struct lm_session *s, const struct lm_video_part *part)
{
    if (part->size_bytes < 1 || part->size_bytes > s->config.max_frame_bytes ||
        !lm_link_has_peer(&s->link))
        return LUMEN_STATUS_INVALID_ARG;
    if (lm_link_is_closed(&s->link))
        return LUMEN_STATUS_CLOSED;
    lm_count(&s->counters.frames_submitted, 1);
    int rc = lm_video_out_push_frame(&s->out, part);
    LumenStatus status = lm_push_status(rc);
    if (rc == 0)
        status = lm_status_of(send_frame(s, part->now_ns));
    lm_count(
        status == LUMEN_STATUS_OK ? &s->counters.frames_completed : &s->counters.frames_dropped, 1);
    return status;
}

LumenStatus lumen_host_submit_frame(LumenSession *session, const uint8_t *data, size_t len,
                                    uint64_t pts_ns, uint32_t flags)
{
    struct lm_session *s;
    LumenStatus status = lm_session_enter(session, LUMEN_ROLE_HOST, LM_GUARD_VIDEO, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    struct lm_video_part part = {.data = data,
                                 .size_bytes = len,
                                 .pts_ns = pts_ns,
                                 .now_ns = lm_clock_now_ns(),
                                 .flags = flags};
    status = data ? submit(s, &part) : LUMEN_STATUS_NULL_POINTER;
    lm_session_leave(s, LM_GUARD_VIDEO);
    return status;
}

static void take_datagram(struct lm_session *s, uint8_t *data, size_t size_bytes, uint64_t now_ns)
{
    if (!lm_input_is_ack(&s->config, data, size_bytes))
        lm_video_in_push(&s->in, data, size_bytes, now_ns);
    else if (lm_input_out_acknowledge(&s->input_out, data, size_bytes) < 0)
        lm_count(&s->counters.packets_dropped, 1);
}

/* 1: *out is a frame. 0, LM_EIO, LM_ECLOSED. */
static int poll_frame(struct lm_session *s, uint64_t now_ns, LumenFrame *out)
{
    uint64_t packets = 0, bytes = 0;
    int rc;
    for (;;) {
        uint8_t *data;
        size_t size_bytes;
        rc = lm_video_in_pop(&s->in, now_ns, out);
        if (rc || packets == POLL_DATAGRAMS)
            break;
        rc = lm_link_receive(&s->link, &data, &size_bytes);
        if (rc <= 0)
            break;
        take_datagram(s, data, size_bytes, now_ns);
        bytes += size_bytes;
        if (++packets % CLOCK_DATAGRAMS == 0)
            now_ns = lm_clock_now_ns();
    }
    lm_count(&s->counters.packets_received, packets);
    lm_count(&s->counters.bytes_received, bytes);
    return rc;
}

/* The receiver's counts are absolute; what others add to the same counters stays. */
static void publish(struct lm_session *s)
{
    LumenStats in;
    lm_video_in_get_stats(&s->in, &in);
    lm_count(&s->counters.packets_dropped, in.packets_dropped - s->in_dropped);
    s->in_dropped = in.packets_dropped;
    lm_session_count_strangers(s);
    atomic_store_explicit(&s->counters.frames_completed, in.frames_completed, memory_order_relaxed);
    atomic_store_explicit(&s->counters.frames_dropped, in.frames_dropped, memory_order_relaxed);
    atomic_store_explicit(&s->counters.fec_recovered_shards, in.fec_recovered_shards,
                          memory_order_relaxed);
}

LumenStatus lumen_client_poll_frame(LumenSession *session, LumenFrame *out)
{
    struct lm_session *s;
    if (out)
        memset(out, 0, sizeof *out);
    LumenStatus status = lm_session_enter(session, LUMEN_ROLE_CLIENT, LM_GUARD_VIDEO, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    status = LUMEN_STATUS_NULL_POINTER;
    if (out) {
        uint64_t now_ns = lm_clock_now_ns();
        int rc = poll_frame(s, now_ns, out);
        s->more = rc == 1;
        status = rc == 0 ? LUMEN_STATUS_NO_FRAME : lm_status_of(rc);
        lm_session_repeat_input(s, now_ns);
        publish(s);
    }
    lm_session_leave(s, LM_GUARD_VIDEO);
    return status;
}

LumenStatus lumen_client_poll_loss(LumenSession *session, LumenLoss *out)
{
    struct lm_session *s;
    if (out)
        memset(out, 0, sizeof *out);
    LumenStatus status = lm_session_enter(session, LUMEN_ROLE_CLIENT, LM_GUARD_VIDEO, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    status = LUMEN_STATUS_NULL_POINTER;
    if (out)
        status = lm_video_in_pop_loss(&s->in, out) ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_FRAME;
    lm_session_leave(s, LM_GUARD_VIDEO);
    return status;
}
