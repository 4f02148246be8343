/* Input: lumen_send_input, lumen_set_input_callback, lumen_host_poll_input. */
#include "core/abi_common.h"
#include "core/session.h"
#include "core/transport/clock.h"

enum {
    POLL_DATAGRAMS = 4096, /* at most in one poll */
    AT_ONCE = 2,           /* datagrams of one event's sending; repeating sends all there is */
};

int lm_session_send_small(struct lm_session *s, enum lm_link_lane lane, const uint8_t *datagram,
                          size_t size_bytes)
{
    struct lm_batch batch = {.data = datagram, .segment_bytes = size_bytes, .segments = 1};
    int rc = lm_link_send(&s->link, lane, &batch);
    if (rc == LM_ECLOSED)
        return rc;
    lm_count(rc == 1 ? &s->counters.packets_sent : &s->counters.packets_dropped, 1);
    lm_count(&s->counters.bytes_sent, rc == 1 ? size_bytes : 0);
    return 0;
}

/* What waits, the oldest edges first, in at most `most` datagrams. Locked. */
static int send_waiting(struct lm_session *s, uint32_t most, uint64_t now_ns)
{
    struct lm_input_out *o = &s->input_out;
    uint8_t datagram[LM_INPUT_DATAGRAM_BYTES];
    if (!lm_input_out_waits(o)) {
        atomic_store(&o->repeat_at, UINT64_MAX);
        return 0;
    }
    uint32_t from = o->first;
    int rc = 0;
    do {
        rc = lm_input_out_write(o, &from, datagram);
        if (rc > 0)
            rc = lm_session_send_small(s, LM_LANE_INPUT, datagram, (size_t)rc);
    } while (rc == 0 && from != o->next && --most);
    atomic_store(&o->repeat_at, now_ns + LM_INPUT_REPEAT_MS * LM_NS_PER_MS);
    return rc;
}

void lm_session_repeat_input(struct lm_session *s, uint64_t now_ns)
{
    struct lm_input_out *o = &s->input_out;
    if (now_ns < atomic_load(&o->repeat_at) || !lm_link_has_peer(&s->link))
        return;
    /* Taken: the other thread is sending just now, which serves as well. */
    if (pthread_mutex_trylock(&o->lock))
        return;
    (void)!send_waiting(s, UINT32_MAX, now_ns);
    pthread_mutex_unlock(&o->lock);
}

static LumenStatus send_event(struct lm_session *s, const LumenInputEvent *event)
{
    if (!event)
        return LUMEN_STATUS_NULL_POINTER;
    if (!lm_link_has_peer(&s->link))
        return LUMEN_STATUS_INVALID_ARG;
    if (lm_link_is_closed(&s->link))
        return LUMEN_STATUS_CLOSED;
    pthread_mutex_lock(&s->input_out.lock);
    LumenStatus status = lm_status_of(lm_input_out_add(&s->input_out, event));
    if (status == LUMEN_STATUS_OK)
        status = lm_push_status(send_waiting(s, AT_ONCE, lm_clock_now_ns()));
    pthread_mutex_unlock(&s->input_out.lock);
    return status;
}

LumenStatus lumen_send_input(LumenSession *session, const LumenInputEvent *event)
{
    struct lm_session *s;
    LumenStatus status = lm_session_enter(session, LUMEN_ROLE_CLIENT, LM_GUARD_INPUT, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    status = send_event(s, event);
    lm_session_leave(s, LM_GUARD_INPUT);
    return status;
}

LumenStatus lumen_set_input_callback(LumenSession *session,
                                     void (*cb)(const LumenInputEvent *event, void *user),
                                     void *user)
{
    struct lm_session *s;
    LumenStatus status = lm_session_enter(session, LUMEN_ROLE_HOST, LM_GUARD_INPUT, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    s->callback = cb;
    s->user = user;
    lm_session_leave(s, LM_GUARD_INPUT);
    return LUMEN_STATUS_OK;
}

static int32_t dispatch(struct lm_session *s, const LumenInputEvent *events, int count)
{
    int32_t called = 0;
    s->dispatching = true;
    while (called < count && !s->doomed)
        s->callback(&events[called++], s->user);
    s->dispatching = false;
    return called;
}

static int32_t dispatch_pointer(struct lm_session *s, const struct lm_l1_pointer *pointer)
{
    LumenInputEvent events[3];
    return dispatch(s, events, lm_input_in_move(&s->input_in, pointer, events));
}

/* What of the datagram was not dispatched yet. Edges behind a gap, and the pointer behind them,
 * wait for the datagram that fills it. */
static int32_t dispatch_input(struct lm_session *s, struct lm_l1_input *input)
{
    struct lm_l1_edge edge;
    int32_t called = 0;
    for (uint32_t number = input->first; lm_l1_input_next(input, &edge); number++) {
        LumenInputEvent event;
        if (s->doomed || (int32_t)(number - s->input_in.next_edge) > 0)
            return called;
        if (number != s->input_in.next_edge)
            continue;
        s->input_in.next_edge++;
        called += dispatch_pointer(s, &edge.before);
        lm_input_edge_event(&edge, &event);
        called += dispatch(s, &event, 1);
    }
    if (s->doomed || (int32_t)(input->first - s->input_in.next_edge) > 0)
        return called;
    return called + dispatch_pointer(s, &input->pointer);
}

/* Events dispatched, or a negative LM_E code; *any when the client is to hear what has arrived. */
static int32_t receive_input(struct lm_session *s, bool *any)
{
    int32_t called = 0;
    for (uint32_t i = 0; i < POLL_DATAGRAMS && !s->doomed; i++) {
        uint8_t *data;
        size_t size_bytes;
        struct lm_l1_input input;
        int rc = lm_link_receive(&s->link, &data, &size_bytes);
        if (rc < 0 && called == 0 && !*any)
            return rc;
        if (rc <= 0)
            break;
        lm_count(&s->counters.packets_received, 1);
        lm_count(&s->counters.bytes_received, size_bytes);
        rc = lm_input_in_open(&s->input_in, data, size_bytes, &input);
        if (rc < 0) {
            lm_count(&s->counters.packets_dropped, 1);
            continue;
        }
        *any = true;
        called += dispatch_input(s, &input);
    }
    return called;
}

static int32_t poll_input(struct lm_session *s)
{
    uint8_t ack[LM_INPUT_ACK_DATAGRAM_BYTES];
    bool any = false;
    int32_t called = receive_input(s, &any);
    lm_session_count_strangers(s);
    int bytes = any ? lm_input_in_write_ack(&s->input_in, ack) : 0;
    if (bytes > 0) /* lost or refused: the client asks again */
        (void)!lm_session_send_small(s, LM_LANE_ACK, ack, (size_t)bytes);
    return called < 0 ? (int32_t)lm_status_of(called) : called;
}

int32_t lumen_host_poll_input(LumenSession *session)
{
    struct lm_session *s;
    LumenStatus status = lm_session_enter(session, LUMEN_ROLE_HOST, LM_GUARD_INPUT, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    int32_t called = s->callback ? poll_input(s) : 0;
    bool doomed = s->doomed;
    lm_session_leave(s, LM_GUARD_INPUT);
    if (doomed)
        lm_session_destroy(s);
    return called;
}
