/* What a session is, for the files that implement it. Threads: see lumen_core.h; the two guards
 * enforce it. */
#ifndef LUMEN_CORE_SESSION_H
#define LUMEN_CORE_SESSION_H

#include "core/session_input.h"
#include "core/session_link.h"
#include "core/video_in.h"
#include "core/video_out.h"
#include "lumen_core.h"

#include <stdatomic.h>

/* LumenStats, as any thread reads it. */
struct lm_counters {
    _Atomic uint64_t frames_submitted, frames_completed, frames_dropped;
    _Atomic uint64_t packets_sent, packets_received, packets_dropped;
    _Atomic uint64_t fec_recovered_shards;
    _Atomic uint64_t bytes_sent, bytes_received;
};

enum lm_guard { LM_GUARD_VIDEO = 0, LM_GUARD_INPUT = 1 };

struct lm_session {
    LumenConfig config; /* without key */
    struct lm_link link;
    struct lm_counters counters;
    atomic_bool guards[2];

    /* Under the video guard. */
    struct lm_video_out out; /* host */
    struct lm_video_in in;   /* client */
    bool more;               /* client: the last poll gave a frame, there may be another */
    uint64_t in_dropped;     /* of `counters`, by the receiver */

    /* Under the input guard. */
    struct lm_input_in input_in; /* host */
    void (*callback)(const LumenInputEvent *event, void *user);
    void *user;
    bool dispatching; /* inside the callback */
    bool doomed;      /* freed inside the callback */

    struct lm_input_out input_out; /* client; has a lock of its own */
};

/* The session of a handle, for a call that only `role` may make; LUMEN_STATUS_OK: *out is it and
 * the guard is held until lm_session_leave. */
LumenStatus lm_session_enter(LumenSession *handle, uint32_t role, enum lm_guard guard,
                             struct lm_session **out);
void lm_session_leave(struct lm_session *s, enum lm_guard guard);

void lm_session_destroy(struct lm_session *s);

static inline void lm_count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/* Datagrams from elsewhere arrived and were dropped. The receiving thread. */
static inline void lm_session_count_strangers(struct lm_session *s)
{
    lm_count(&s->counters.packets_received, s->link.strangers);
    lm_count(&s->counters.packets_dropped, s->link.strangers);
    s->link.strangers = 0;
}

/* Sends one small datagram; what the socket does not take now is lost, as on a network. LM_ECLOSED
 * is told, the rest counted. */
int lm_session_send_small(struct lm_session *s, enum lm_link_lane lane, const uint8_t *datagram,
                          size_t size_bytes) LM_MUST_USE;

/* The client's input that waits too long is sent again, unless another thread is at it. */
void lm_session_repeat_input(struct lm_session *s, uint64_t now_ns);

#endif
