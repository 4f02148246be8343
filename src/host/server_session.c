/* What becomes of sessions: the state machine of session/session.c applied to desktops and
 * streams. */
#include "core/transport/clock.h"
#include "host/server_parts.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

size_t server_session_count(const struct server *s)
{
    size_t count = 0;
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++)
        count += s->sessions[i].used;
    return count;
}

struct host_session *server_session_new(struct server *s, const struct store_device *device)
{
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++) {
        struct host_session *h = &s->sessions[i];
        if (h->used)
            continue;
        memset(h, 0, sizeof *h);
        h->used = true;
        h->server = s;
        h->number = ++s->next_number;
        h->device = *device;
        const struct session_params life = {
            .silence_ns = LM_TIME_MAX, /* the control channel notices a silent client itself */
            .grace_ns = s->config->grace_s < 0
                            ? LM_TIME_MAX
                            : LM_MAX((uint64_t)s->config->grace_s, 1u) * LM_NS_PER_S,
        };
        session_init(&h->life, &life);
        return h;
    }
    return NULL;
}

static void on_program_exit(struct host_session *h, int status)
{
    lm_info(h->server->log, "session", "session %u: \"%s\" ended with status %d", h->number,
            h->app->config->name, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    if (h->app->config->on_exit == CONFIG_ON_EXIT_END)
        server_session_end(h, "its application ended");
}

/* On the main thread, for what the desktop's thread told. */
static void on_desktop(void *user, uint64_t arg)
{
    struct host_session *h = user;
    switch ((enum desktop_event)(arg >> 32)) {
    case DESKTOP_READY:
        h->desktop_ready = true;
        lm_info(h->server->log, "session", "session %u: desktop of %ux%u at %.2f Hz, up in %u ms",
                h->number, h->mode.width, h->mode.height, h->mode.refresh_mhz / 1000.0,
                (unsigned)((lm_clock_now_ns() - h->launched_ns) / LM_NS_PER_MS));
        server_answer_launch(h, NULL);
        break;
    case DESKTOP_MODE_SET:
    case DESKTOP_MODE_FAILED: /* the stream then shows what fits */
        server_answer_launch(h, NULL);
        break;
    case DESKTOP_FAILED:
        server_answer_launch(h, "The desktop cannot be started; lumen-host doctor says why.");
        server_session_end(h, "its desktop did not start");
        break;
    case DESKTOP_LOST:
        server_session_end(h, "its compositor died");
        break;
    case DESKTOP_PROGRAM_EXITED:
        on_program_exit(h, (int)(uint32_t)arg);
        break;
    case DESKTOP_CLOSED:
        h->desktop_closed = true; /* freed on the tick: the inbox is in use here */
        break;
    }
}

static void post_desktop(void *user, enum desktop_event event, int arg)
{
    struct host_session *h = user;
    const struct loop_task task = {
        .run = on_desktop, .user = h, .arg = (uint64_t)event << 32 | (uint32_t)arg};
    LM_CHECK(loop_inbox_post(h->desktop_inbox, &task) == LM_OK); /* a handful per session */
}

int server_desktop_open(struct host_session *h)
{
    struct server *s = h->server;
    char name[32];
    snprintf(name, sizeof name, "session-%u", h->number);
    const char *display = s->params.display_backend;
    if (!display && strcmp(s->config->display, "auto"))
        display = s->config->display;
    const char *command = *h->app->config->command ? h->app->config->command : NULL;
    const struct desktop_params params = {
        .display =
            {
                .backend = display,
                .name = name,
                .runtime_dir = s->params.runtime_dir,
                .mode = h->mode,
                .xwayland = s->config->xwayland,
                .terminal = s->config->terminal,
                .launcher = s->config->launcher,
                .desktop_programs = command == NULL,
                .sound = s->config->sound,
                .timeout_ns = 15 * LM_NS_PER_S,
                .log = s->log,
            },
        .command = command,
        .keyboard_layout = s->config->keyboard_layout,
        .input_backend = s->params.input_backend,
        .on_event = post_desktop,
        .user = h,
    };
    h->desktop_inbox = loop_inbox_create(s->params.loop, 64);
    if (!h->desktop_inbox)
        return LM_ENOMEM;
    lm_info(s->log, "session", "session %u: \"%s\" starts \"%s\"", h->number, h->device.name,
            h->app->config->name);
    return desktop_create(&params, &h->desktop);
}

static int act(struct host_session *h, int actions)
{
    if (actions & SESSION_ACT_STOP_STREAM)
        server_stream_stop(h, actions & SESSION_ACT_TERMINATE);
    if (actions & SESSION_ACT_STOP_APP) {
        h->ending = true;
        server_session_release(h);
    }
    if (actions & SESSION_ACT_EXPECT_CONTROL) {
        int code = server_stream_expect(h);
        if (code)
            return code;
    }
    if (actions & SESSION_ACT_START_STREAM)
        server_stream_start(h);
    return LM_OK; /* START_APP and ARM_STREAM: whoever launches does it, in its own time */
}

int server_session_event(struct host_session *h, enum session_event event)
{
    enum session_state before = h->life.state;
    int actions = session_event(&h->life, event, lm_clock_now_ns());
    if (actions < 0)
        return actions;
    if (h->life.state != before)
        lm_debug(h->server->log, "session", "session %u: %s", h->number,
                 session_state_name(h->life.state));
    if (h->life.state == SESSION_DETACHED && before == SESSION_STREAMING)
        lm_info(h->server->log, "session", "session %u: \"%s\" is gone, its desktop is kept",
                h->number, h->device.name);
    return act(h, actions);
}

void server_session_end(struct host_session *h, const char *why)
{
    if (h->ending)
        return;
    lm_info(h->server->log, "session", "session %u ends: %s", h->number, why);
    server_answer_launch(h, "The session ended.");
    if (server_session_event(h, SESSION_EV_CANCEL) || !h->ending) {
        h->ending = true; /* it was idle already */
        server_session_release(h);
    }
}

/* The desktop's input is the control thread's while a stream uses it. */
void server_session_release(struct host_session *h)
{
    if (!h->ending || h->desktop_stopping || server_stream_uses(h->server, h))
        return;
    h->desktop_stopping = true;
    if (h->desktop)
        desktop_stop(h->desktop);
    else
        h->desktop_closed = true;
}

static void free_session(struct host_session *h)
{
    desktop_destroy(h->desktop);
    loop_inbox_destroy(h->desktop_inbox);
    lm_info(h->server->log, "session", "session %u is over", h->number);
    explicit_bzero(h, sizeof *h);
}

static void pass_deadline(struct host_session *h)
{
    int code = server_session_event(h, SESSION_EV_TICK);
    if (!code && h->ending)
        lm_info(h->server->log, "session", "session %u ends: nobody came back in time", h->number);
}

void server_session_tick(struct server *s, uint64_t now_ns)
{
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++) {
        struct host_session *h = &s->sessions[i];
        if (!h->used)
            continue;
        if (h->desktop_closed && !h->ending)
            server_session_end(h, "its desktop closed");
        server_session_release(h);
        if (h->desktop_stopping && h->desktop_closed)
            free_session(h);
        else if (!h->ending && now_ns >= session_deadline_ns(&h->life))
            pass_deadline(h);
    }
    if (s->shutting_down && server_session_count(s) == 0)
        loop_stop(s->params.loop);
}
