/* One streaming slot's life on the host, from launch to end, as pure logic: events in, actions
 * out, deadlines on the caller's clock. Multiple slots live in the caller. One thread. */
#ifndef LUMEN_SESSION_SESSION_H
#define LUMEN_SESSION_SESSION_H

#include "core/base/err.h"
#include "core/base/time.h"

#include <stdbool.h>
#include <stddef.h>

enum session_state {
    SESSION_IDLE = 1,
    SESSION_PENDING,     /* launched or resumed, no RTSP yet */
    SESSION_NEGOTIATING, /* RTSP under way */
    SESSION_ARMED,       /* ANNOUNCE accepted, waiting for the control channel */
    SESSION_STREAMING,
    SESSION_DETACHED, /* no stream, the application (display) is alive */
};

enum session_event {
    SESSION_EV_LAUNCH = 1,        /* /launch accepted */
    SESSION_EV_RESUME,            /* /resume accepted; takes over a running stream */
    SESSION_EV_RTSP,              /* an authenticated RTSP request */
    SESSION_EV_RTSP_FAILED,       /* the handshake ended with an error */
    SESSION_EV_ANNOUNCED,         /* ANNOUNCE answered 200 */
    SESSION_EV_CONTROL_CONNECTED, /* with the right connect data */
    SESSION_EV_CONTROL_TRAFFIC,   /* anything from the control peer */
    SESSION_EV_CONTROL_LOST,      /* ENet disconnect or timeout */
    SESSION_EV_CANCEL,            /* /cancel, or the owner removed */
    SESSION_EV_APP_EXIT,
    SESSION_EV_STREAM_FAILED, /* capture or encoder gave up for good */
    SESSION_EV_TICK,          /* time passed; send at session_deadline_ns at the latest */
};

/* What the caller must do now, in this order. */
enum session_action {
    SESSION_ACT_TERMINATE = 1 << 0,      /* send the graceful termination, then disconnect */
    SESSION_ACT_STOP_STREAM = 1 << 1,    /* stop media, release input, drop RTSP, wipe the key */
    SESSION_ACT_STOP_APP = 1 << 2,       /* end the application and its display */
    SESSION_ACT_START_APP = 1 << 3,      /* prepare display and application */
    SESSION_ACT_ARM_STREAM = 1 << 4,     /* install key, RTSP session, ping payloads */
    SESSION_ACT_EXPECT_CONTROL = 1 << 5, /* accept the control peer */
    SESSION_ACT_START_STREAM = 1 << 6,   /* start media; the first frame is a key frame */
};

/* Nanoseconds; 0 takes the default. */
struct session_params {
    uint64_t pending_ns;     /* 30 s: launch to first RTSP */
    uint64_t negotiating_ns; /* 30 s: first RTSP to ANNOUNCE */
    uint64_t armed_ns;       /* 15 s: ANNOUNCE to control */
    uint64_t silence_ns;     /* 10 s: no control traffic while streaming */
    uint64_t grace_ns;       /* 5 min: DETACHED until the application is ended;
                                LM_TIME_MAX: until released */
};

struct session {
    struct session_params params;
    enum session_state state;
    uint64_t deadline_ns; /* LM_TIME_MAX: none */
};

void session_init(struct session *s, const struct session_params *params);

/* The actions (bits of enum session_action, 0 for none), LM_EPROTO when the event is not allowed
 * in this state: LAUNCH while not idle (answer 400), RESUME while idle (answer 503), or an event
 * of a stream that is gone (ignore it). A
 * deadline takes effect through TICK only. */
int session_event(struct session *s, enum session_event event, uint64_t now_ns) LM_MUST_USE;

/* When to send SESSION_EV_TICK; LM_TIME_MAX: never. */
uint64_t session_deadline_ns(const struct session *s);

/* /serverinfo shows it as busy. */
bool session_busy(const struct session *s);

/* A stream is pending, being negotiated, armed or running. */
bool session_attached(const struct session *s);

const char *session_state_name(enum session_state state);

#endif
