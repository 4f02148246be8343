#include "session/session.h"

#include "core/base/check.h"

static const struct session_params defaults = {
    .pending_ns = 30 * LM_NS_PER_S,
    .negotiating_ns = 30 * LM_NS_PER_S,
    .armed_ns = 15 * LM_NS_PER_S,
    .silence_ns = 10 * LM_NS_PER_S,
    .grace_ns = 300 * LM_NS_PER_S,
};

void session_init(struct session *s, const struct session_params *params)
{
    struct session_params p = params ? *params : defaults;
    if (!p.pending_ns)
        p.pending_ns = defaults.pending_ns;
    if (!p.negotiating_ns)
        p.negotiating_ns = defaults.negotiating_ns;
    if (!p.armed_ns)
        p.armed_ns = defaults.armed_ns;
    if (!p.silence_ns)
        p.silence_ns = defaults.silence_ns;
    if (!p.grace_ns)
        p.grace_ns = defaults.grace_ns;
    *s = (struct session){.params = p, .state = SESSION_IDLE, .deadline_ns = LM_TIME_MAX};
}

bool session_attached(const struct session *s)
{
    return s->state != SESSION_IDLE && s->state != SESSION_DETACHED;
}

bool session_busy(const struct session *s)
{
    return s->state != SESSION_IDLE;
}

uint64_t session_deadline_ns(const struct session *s)
{
    return s->deadline_ns;
}

static uint64_t stay_ns(const struct session *s)
{
    switch (s->state) {
    case SESSION_PENDING:
        return s->params.pending_ns;
    case SESSION_NEGOTIATING:
        return s->params.negotiating_ns;
    case SESSION_ARMED:
        return s->params.armed_ns;
    case SESSION_STREAMING:
        return s->params.silence_ns;
    case SESSION_DETACHED:
        return s->params.grace_ns;
    case SESSION_IDLE:
        break;
    }
    return LM_TIME_MAX;
}

static int enter(struct session *s, enum session_state state, uint64_t now_ns, int actions)
{
    s->state = state;
    uint64_t stay = stay_ns(s);
    s->deadline_ns = stay > LM_TIME_MAX - now_ns ? LM_TIME_MAX : now_ns + stay;
    return actions;
}

/* What ends the stream that is attached now, 0 when there is none. */
static int stop_actions(const struct session *s)
{
    int actions = session_attached(s) ? SESSION_ACT_STOP_STREAM : 0;
    return s->state == SESSION_STREAMING ? actions | SESSION_ACT_TERMINATE : actions;
}

static int on_tick(struct session *s, uint64_t now_ns)
{
    if (now_ns < s->deadline_ns)
        return 0;
    if (s->state == SESSION_DETACHED)
        return enter(s, SESSION_IDLE, now_ns, SESSION_ACT_STOP_APP);
    return enter(s, SESSION_DETACHED, now_ns, SESSION_ACT_STOP_STREAM);
}

static int on_rtsp(struct session *s, uint64_t now_ns)
{
    if (s->state == SESSION_PENDING)
        return enter(s, SESSION_NEGOTIATING, now_ns, 0);
    return session_attached(s) ? 0 : LM_EPROTO;
}

/* Events that lead from one state to one other. */
struct transition {
    enum session_event event;
    enum session_state from, to;
    int actions;
};

static const struct transition transitions[] = {
    {SESSION_EV_LAUNCH, SESSION_IDLE, SESSION_PENDING,
     SESSION_ACT_START_APP | SESSION_ACT_ARM_STREAM},
    {SESSION_EV_RTSP_FAILED, SESSION_PENDING, SESSION_DETACHED, SESSION_ACT_STOP_STREAM},
    {SESSION_EV_RTSP_FAILED, SESSION_NEGOTIATING, SESSION_DETACHED, SESSION_ACT_STOP_STREAM},
    {SESSION_EV_ANNOUNCED, SESSION_NEGOTIATING, SESSION_ARMED, SESSION_ACT_EXPECT_CONTROL},
    {SESSION_EV_CONTROL_CONNECTED, SESSION_ARMED, SESSION_STREAMING, SESSION_ACT_START_STREAM},
    {SESSION_EV_CONTROL_TRAFFIC, SESSION_STREAMING, SESSION_STREAMING, 0},
    {SESSION_EV_CONTROL_LOST, SESSION_STREAMING, SESSION_DETACHED, SESSION_ACT_STOP_STREAM},
};

static int on_transition(struct session *s, enum session_event event, uint64_t now_ns)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(transitions); i++)
        if (transitions[i].event == event && transitions[i].from == s->state)
            return enter(s, transitions[i].to, now_ns, transitions[i].actions);
    return LM_EPROTO;
}

int session_event(struct session *s, enum session_event event, uint64_t now_ns)
{
    switch (event) {
    case SESSION_EV_TICK:
        return on_tick(s, now_ns);
    case SESSION_EV_RTSP:
        return on_rtsp(s, now_ns);
    case SESSION_EV_RESUME:
        if (s->state == SESSION_IDLE)
            return LM_EPROTO;
        return enter(s, SESSION_PENDING, now_ns, stop_actions(s) | SESSION_ACT_ARM_STREAM);
    case SESSION_EV_CANCEL:
    case SESSION_EV_APP_EXIT:
        if (s->state == SESSION_IDLE)
            return 0;
        return enter(s, SESSION_IDLE, now_ns, stop_actions(s) | SESSION_ACT_STOP_APP);
    case SESSION_EV_STREAM_FAILED:
        if (!session_attached(s))
            return LM_EPROTO;
        return enter(s, SESSION_DETACHED, now_ns, stop_actions(s));
    default:
        return on_transition(s, event, now_ns);
    }
}

const char *session_state_name(enum session_state state)
{
    static const char *const names[] = {
        [SESSION_IDLE] = "idle",           [SESSION_PENDING] = "pending",
        [SESSION_ARMED] = "armed",         [SESSION_NEGOTIATING] = "negotiating",
        [SESSION_STREAMING] = "streaming", [SESSION_DETACHED] = "detached",
    };
    bool known = state >= SESSION_IDLE && state <= SESSION_DETACHED;
    return known ? names[state] : "unknown";
}
