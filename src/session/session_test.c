#include "session/session.h"

#include "core/wire/gs_test.h"

enum {
    START = SESSION_ACT_START_APP | SESSION_ACT_ARM_STREAM,
    TAKE_OVER = SESSION_ACT_STOP_STREAM | SESSION_ACT_ARM_STREAM,
};

/* Brings a fresh session into `state` at time 0. */
static void bring_to(struct session *s, enum session_state state)
{
    static const enum session_event way[] = {SESSION_EV_LAUNCH, SESSION_EV_RTSP,
                                             SESSION_EV_ANNOUNCED, SESSION_EV_CONTROL_CONNECTED,
                                             SESSION_EV_CONTROL_LOST};
    session_init(s, NULL);
    for (unsigned i = 0; s->state != state; i++)
        assert_true(session_event(s, way[i], 0) >= 0);
}

struct row {
    enum session_state from;
    enum session_event event;
    int actions; /* or LM_EPROTO */
    enum session_state to;
};

static void run_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct session s;
        bring_to(&s, rows[i].from);
        int actions = session_event(&s, rows[i].event, 1);
        if (actions != rows[i].actions || s.state != rows[i].to)
            fail_msg("row %zu: actions %d, state %s", i, actions, session_state_name(s.state));
    }
}

static void a_stream_goes_through_its_states(void **state)
{
    static const struct row rows[] = {
        {SESSION_IDLE, SESSION_EV_LAUNCH, START, SESSION_PENDING},
        {SESSION_PENDING, SESSION_EV_RTSP, 0, SESSION_NEGOTIATING},
        {SESSION_NEGOTIATING, SESSION_EV_RTSP, 0, SESSION_NEGOTIATING},
        {SESSION_NEGOTIATING, SESSION_EV_ANNOUNCED, SESSION_ACT_EXPECT_CONTROL, SESSION_ARMED},
        {SESSION_ARMED, SESSION_EV_RTSP, 0, SESSION_ARMED},
        {SESSION_ARMED, SESSION_EV_CONTROL_CONNECTED, SESSION_ACT_START_STREAM, SESSION_STREAMING},
        {SESSION_STREAMING, SESSION_EV_CONTROL_TRAFFIC, 0, SESSION_STREAMING},
        {SESSION_STREAMING, SESSION_EV_CONTROL_LOST, SESSION_ACT_STOP_STREAM, SESSION_DETACHED},
        {SESSION_DETACHED, SESSION_EV_RESUME, SESSION_ACT_ARM_STREAM, SESSION_PENDING},
        {SESSION_DETACHED, SESSION_EV_CANCEL, SESSION_ACT_STOP_APP, SESSION_IDLE},
    };
    run_rows(rows, LM_ARRAY_LEN(rows));
}

static void launch_needs_idle_and_resume_needs_something(void **state) /* gs-session 61 62 */
{
    static const struct row rows[] = {
        {SESSION_PENDING, SESSION_EV_LAUNCH, LM_EPROTO, SESSION_PENDING},
        {SESSION_NEGOTIATING, SESSION_EV_LAUNCH, LM_EPROTO, SESSION_NEGOTIATING},
        {SESSION_STREAMING, SESSION_EV_LAUNCH, LM_EPROTO, SESSION_STREAMING},
        {SESSION_DETACHED, SESSION_EV_LAUNCH, LM_EPROTO, SESSION_DETACHED},
        {SESSION_IDLE, SESSION_EV_RESUME, LM_EPROTO, SESSION_IDLE},
        {SESSION_PENDING, SESSION_EV_RESUME, TAKE_OVER, SESSION_PENDING},
        {SESSION_NEGOTIATING, SESSION_EV_RESUME, TAKE_OVER, SESSION_PENDING},
        {SESSION_ARMED, SESSION_EV_RESUME, TAKE_OVER, SESSION_PENDING},
        {SESSION_STREAMING, SESSION_EV_RESUME, TAKE_OVER | SESSION_ACT_TERMINATE, SESSION_PENDING},
    };
    run_rows(rows, LM_ARRAY_LEN(rows));
}

static void cancel_always_ends_idle(void **state) /* gs-session 64 98 */
{
    enum { STOP = SESSION_ACT_STOP_STREAM | SESSION_ACT_STOP_APP };
    static const struct row rows[] = {
        {SESSION_IDLE, SESSION_EV_CANCEL, 0, SESSION_IDLE},
        {SESSION_PENDING, SESSION_EV_CANCEL, STOP, SESSION_IDLE},
        {SESSION_NEGOTIATING, SESSION_EV_CANCEL, STOP, SESSION_IDLE},
        {SESSION_ARMED, SESSION_EV_CANCEL, STOP, SESSION_IDLE},
        {SESSION_STREAMING, SESSION_EV_CANCEL, STOP | SESSION_ACT_TERMINATE, SESSION_IDLE},
        {SESSION_STREAMING, SESSION_EV_APP_EXIT, STOP | SESSION_ACT_TERMINATE, SESSION_IDLE},
        {SESSION_DETACHED, SESSION_EV_APP_EXIT, SESSION_ACT_STOP_APP, SESSION_IDLE},
    };
    run_rows(rows, LM_ARRAY_LEN(rows));
}

static void failures_leave_the_application_alive(void **state)
{
    enum { END = SESSION_ACT_STOP_STREAM | SESSION_ACT_TERMINATE };
    static const struct row rows[] = {
        {SESSION_NEGOTIATING, SESSION_EV_RTSP_FAILED, SESSION_ACT_STOP_STREAM, SESSION_DETACHED},
        {SESSION_STREAMING, SESSION_EV_STREAM_FAILED, END, SESSION_DETACHED},
        {SESSION_ARMED, SESSION_EV_STREAM_FAILED, SESSION_ACT_STOP_STREAM, SESSION_DETACHED},
        {SESSION_DETACHED, SESSION_EV_STREAM_FAILED, LM_EPROTO, SESSION_DETACHED},
        {SESSION_DETACHED, SESSION_EV_RTSP, LM_EPROTO, SESSION_DETACHED},
        {SESSION_PENDING, SESSION_EV_CONTROL_CONNECTED, LM_EPROTO, SESSION_PENDING},
        {SESSION_STREAMING, SESSION_EV_CONTROL_CONNECTED, LM_EPROTO, SESSION_STREAMING},
        {SESSION_PENDING, SESSION_EV_ANNOUNCED, LM_EPROTO, SESSION_PENDING},
        {SESSION_DETACHED, SESSION_EV_CONTROL_LOST, LM_EPROTO, SESSION_DETACHED},
    };
    run_rows(rows, LM_ARRAY_LEN(rows));
}

static void deadlines_detach_and_then_end(void **state) /* gs-session 67 97 */
{
    static const struct {
        enum session_state from;
        uint64_t after_s;
    } rows[] = {
        {SESSION_PENDING, 30},
        {SESSION_NEGOTIATING, 30},
        {SESSION_ARMED, 15},
        {SESSION_STREAMING, 10},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct session s;
        bring_to(&s, rows[i].from);
        uint64_t at_ns = rows[i].after_s * LM_NS_PER_S;
        assert_int_equal(session_deadline_ns(&s), at_ns);
        assert_int_equal(session_event(&s, SESSION_EV_TICK, at_ns - 1), 0);
        assert_int_equal(s.state, rows[i].from);
        assert_true(session_attached(&s));
        assert_int_equal(session_event(&s, SESSION_EV_TICK, at_ns), SESSION_ACT_STOP_STREAM);
        assert_int_equal(s.state, SESSION_DETACHED);
        assert_true(session_busy(&s) && !session_attached(&s));
        struct session again = s;
        assert_int_equal(session_event(&again, SESSION_EV_RESUME, at_ns), SESSION_ACT_ARM_STREAM);
        at_ns += 300 * LM_NS_PER_S;
        assert_int_equal(session_deadline_ns(&s), at_ns);
        assert_int_equal(session_event(&s, SESSION_EV_TICK, at_ns), SESSION_ACT_STOP_APP);
        assert_false(session_busy(&s));
        assert_int_equal(session_deadline_ns(&s), LM_TIME_MAX);
        assert_int_equal(session_event(&s, SESSION_EV_TICK, at_ns * 2), 0);
    }
}

static void traffic_renews_the_silence_deadline(void **state)
{
    struct session s;
    bring_to(&s, SESSION_STREAMING);
    assert_int_equal(session_event(&s, SESSION_EV_CONTROL_TRAFFIC, 7 * LM_NS_PER_S), 0);
    assert_int_equal(session_deadline_ns(&s), 17 * LM_NS_PER_S);
}

static void grace_may_be_endless(void **state)
{
    struct session s;
    session_init(&s, &(struct session_params){.grace_ns = LM_TIME_MAX, .pending_ns = 1});
    assert_int_equal(session_event(&s, SESSION_EV_LAUNCH, 10), START);
    assert_int_equal(session_event(&s, SESSION_EV_TICK, 11), SESSION_ACT_STOP_STREAM);
    assert_int_equal(session_deadline_ns(&s), LM_TIME_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_goes_through_its_states),
        cmocka_unit_test(launch_needs_idle_and_resume_needs_something),
        cmocka_unit_test(cancel_always_ends_idle),
        cmocka_unit_test(failures_leave_the_application_alive),
        cmocka_unit_test(deadlines_detach_and_then_end),
        cmocka_unit_test(traffic_renews_the_silence_deadline),
        cmocka_unit_test(grace_may_be_endless),
    };
    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
