#include "host/control_thread.h"

#include "core/base/check.h"
#include "core/base/ring.h"
#include "core/transport/clock.h"
#include "host/input_events.h"
#include "host/thread.h"
#include "net/control_host.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_STREAMS = 32, SERVICE_MS = 5, IDLE_SERVICE_MS = 250 };

struct stream {
    struct control_stream_params params;
    struct control *cipher;
    struct control_peer *peer; /* NULL until connected */
    uint64_t undecryptable;    /* messages with a bad tag */
};

enum command_kind { COMMAND_ADD = 1, COMMAND_REMOVE, COMMAND_QUIT };

struct command {
    enum command_kind kind;
    struct stream *stream; /* ADD: becomes the thread's */
    uint64_t token;        /* REMOVE */
    bool terminate;
};

struct control_thread {
    struct control_thread_params params;
    struct control_host *host;
    struct thread thread;
    struct lm_ring commands; /* main -> control */
    struct stream *streams[MAX_STREAMS];
    bool quit;
};

static void tell(struct control_thread *c, enum control_event event, const struct stream *s)
{
    c->params.on_event(c->params.user, event, s->params.token);
}

static bool matches(const struct stream *s, const struct net_addr *from, uint32_t connect_data)
{
    if (s->peer)
        return false;
    if (s->params.match_by_address)
        return net_addr_same_host(&s->params.peer, from);
    return s->params.connect_data == connect_data;
}

static struct stream *find_pending(struct control_thread *c, const struct net_addr *from,
                                   uint32_t connect_data)
{
    for (int i = 0; i < MAX_STREAMS; i++)
        if (c->streams[i] && matches(c->streams[i], from, connect_data))
            return c->streams[i];
    return NULL;
}

static bool admit(void *user, const struct net_addr *from, uint32_t connect_data)
{
    return find_pending(user, from, connect_data) != NULL;
}

static void send_message(struct stream *s, const struct lm_gs_host_message *message)
{
    uint8_t packet[LM_GS_ENVELOPE_MAX_BYTES];
    int size = control_write_host(s->cipher, message, packet, sizeof packet);
    if (size > 0 && control_peer_send(s->peer, 0, packet, (size_t)size)) {
        /* It is leaving: the disconnect event follows. */
    }
}

static void on_connected(void *user, struct control_peer *peer, uint32_t connect_data)
{
    struct control_thread *c = user;
    struct stream *s = find_pending(c, control_peer_addr(peer), connect_data);
    if (!s) {
        control_peer_disconnect(peer, CONTROL_DISCONNECT_NOW);
        return;
    }
    s->peer = peer;
    control_peer_set_user(peer, s);
    if (s->params.tell_hdr_off)
        send_message(s, &(struct lm_gs_host_message){.kind = LM_GS_HOST_HDR_MODE});
    tell(c, CONTROL_CONNECTED, s);
}

static void apply_input(struct stream *s, const struct lm_gs_input_event *event)
{
    if (!s->params.input)
        return;
    input_events_apply(s->params.input, event);
    if (input_flush(s->params.input))
        s->params.input = NULL; /* the desktop is gone; its owner finds out by itself */
}

static void apply_message(struct stream *s, const struct lm_gs_client_message *m)
{
    switch (m->kind) {
    case LM_GS_CLIENT_REQUEST_IDR:
        pipeline_request_key(s->params.pipeline);
        break;
    case LM_GS_CLIENT_INVALIDATE:
        pipeline_invalidate(s->params.pipeline, m->range.first, m->range.last);
        break;
    case LM_GS_CLIENT_FEC_STATUS:
        pipeline_note_fec_status(s->params.pipeline, &m->fec);
        break;
    case LM_GS_CLIENT_LOSS_STATS:
        pipeline_note_losses(s->params.pipeline, m->loss.lost);
        break;
    case LM_GS_CLIENT_INPUT:
        apply_input(s, &m->input);
        break;
    default: /* pings and start messages only show that it lives */
        break;
    }
}

static void on_received(void *user, struct control_peer *peer, uint8_t channel, const uint8_t *data,
                        size_t size_bytes)
{
    struct stream *s = control_peer_user(peer);
    struct lm_gs_client_message message;
    if (!s)
        return;
    int code = control_read_client(s->cipher, data, size_bytes, &message);
    if (code == LM_EAUTH)
        s->undecryptable++;
    if (code >= 0)
        apply_message(s, &message);
}

static void release_input(struct stream *s)
{
    if (!s->params.input)
        return;
    input_release_all(s->params.input);
    if (input_flush(s->params.input))
        s->params.input = NULL;
}

static void on_disconnected(void *user, struct control_peer *peer)
{
    struct control_thread *c = user;
    struct stream *s = control_peer_user(peer);
    if (!s)
        return;
    s->peer = NULL;
    release_input(s);
    tell(c, CONTROL_LOST, s);
}

static void destroy_stream(struct stream *s)
{
    control_destroy(s->cipher);
    explicit_bzero(s, sizeof *s);
    free(s);
}

static void remove_stream(struct control_thread *c, uint64_t token, bool terminate)
{
    for (int i = 0; i < MAX_STREAMS; i++) {
        struct stream *s = c->streams[i];
        if (!s || s->params.token != token)
            continue;
        c->streams[i] = NULL;
        if (s->peer) {
            if (terminate)
                send_message(s, &(struct lm_gs_host_message){.kind = LM_GS_HOST_TERMINATION,
                                                             .reason = LM_GS_END_GRACEFUL});
            control_peer_set_user(s->peer, NULL);
            control_peer_disconnect(s->peer, CONTROL_DISCONNECT_LATER);
        }
        release_input(s);
        if (s->undecryptable)
            lm_warn(c->params.log, "control", "%llu messages of the client could not be decrypted",
                    (unsigned long long)s->undecryptable);
        tell(c, CONTROL_REMOVED, s);
        destroy_stream(s);
        return;
    }
}

static void add_stream(struct control_thread *c, struct stream *s)
{
    for (int i = 0; i < MAX_STREAMS; i++)
        if (!c->streams[i]) {
            c->streams[i] = s;
            if (s->params.input)
                input_set_size(s->params.input, s->params.width, s->params.height);
            return;
        }
    LM_CHECK(!"more streams than sessions are allowed");
}

static void run_commands(struct control_thread *c)
{
    struct command command;
    while (lm_ring_pop(&c->commands, &command)) {
        if (command.kind == COMMAND_ADD)
            add_stream(c, command.stream);
        else if (command.kind == COMMAND_REMOVE)
            remove_stream(c, command.token, command.terminate);
        else
            c->quit = true;
    }
}

static bool has_streams(const struct control_thread *c)
{
    for (int i = 0; i < MAX_STREAMS; i++)
        if (c->streams[i])
            return true;
    return false;
}

static void run(void *user)
{
    struct control_thread *c = user;
    struct control_host_stats stats;
    bool peers = false;
    while (!c->quit) {
        uint32_t wait_ms = peers || has_streams(c) ? SERVICE_MS : IDLE_SERVICE_MS;
        if (control_host_service(c->host, wait_ms) < 0)
            lm_error(c->params.log, "control", "the control socket failed");
        run_commands(c);
        control_host_flush(c->host);
        control_host_stats(c->host, &stats);
        peers = stats.peers > 0;
    }
}

int control_thread_create(const struct control_thread_params *params, struct control_thread **out)
{
    *out = NULL;
    struct control_thread *c = calloc(1, sizeof *c);
    if (!c)
        return LM_ENOMEM;
    c->params = *params;
    const struct control_host_params host = {
        .port = params->port,
        .loopback_only = params->loopback_only,
        .events = {.admit = admit,
                   .connected = on_connected,
                   .received = on_received,
                   .disconnected = on_disconnected},
        .user = c,
        .log = params->log,
    };
    int code = lm_ring_init(&c->commands, sizeof(struct command), 256);
    if (!code)
        code = control_host_create(&c->host, &host);
    if (!code)
        code = thread_start(&c->thread, "lumen-control", -10, run, c);
    if (code) {
        control_thread_destroy(c);
        return code;
    }
    *out = c;
    return LM_OK;
}

static int post(struct control_thread *c, const struct command *command)
{
    if (!lm_ring_push(&c->commands, command))
        return LM_EFULL;
    control_host_wake(c->host);
    return LM_OK;
}

void control_thread_destroy(struct control_thread *c)
{
    if (!c)
        return;
    if (c->thread.running) {
        LM_CHECK(post(c, &(struct command){.kind = COMMAND_QUIT}) == LM_OK);
        thread_join(&c->thread);
    }
    control_host_destroy(c->host);
    for (int i = 0; i < MAX_STREAMS; i++)
        if (c->streams[i])
            destroy_stream(c->streams[i]);
    lm_ring_finish(&c->commands);
    free(c);
}

int control_thread_add(struct control_thread *c, const struct control_stream_params *params)
{
    struct stream *s = calloc(1, sizeof *s);
    if (!s)
        return LM_ENOMEM;
    s->params = *params;
    int code = control_create(&s->cipher, CONTROL_HOST, params->iv, params->key);
    explicit_bzero(s->params.key, sizeof s->params.key);
    if (!code)
        code = post(c, &(struct command){.kind = COMMAND_ADD, .stream = s});
    if (code)
        destroy_stream(s);
    return code;
}

void control_thread_remove(struct control_thread *c, uint64_t token, bool terminate)
{
    const struct command command = {.kind = COMMAND_REMOVE, .token = token, .terminate = terminate};
    LM_CHECK(post(c, &command) == LM_OK); /* two commands per stream: never full */
}
