/* A session's life: open, free, state. The layers do the work; session_video.c and session_event.c
 * are its calls. */
#include "core/session.h"

#include "core/abi_common.h"
#include "core/abi_handle.h"
#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "core/transport/clock.h"

#include <stdlib.h>
#include <string.h>

enum {
    SOCKET_BUFFER_BYTES = 4 << 20,
    SOCKET_PRIORITY = 5, /* interactive video, in local queues */
    UDP_REORDER_US = 2000,
    LOOPBACK_FRAMES = 4, /* of the largest size, that the queue holds */
    LOOPBACK_BYTES = 256 << 20,
    LOOPBACK_LEAST_SLOTS = 256,
    INPUT_SLOTS = 256,
    MAX_WAIT_MS = 60000,
};

/* --- guards ----------------------------------------------------------------------------------- */

static LumenStatus find(const LumenSession *handle, struct lm_session **out)
{
    void *object;
    LumenStatus status = lm_handle_get(LM_HANDLE_SESSION, handle, &object);
    *out = object;
    return status;
}

LumenStatus lm_session_enter(LumenSession *handle, uint32_t role, enum lm_guard guard,
                             struct lm_session **out)
{
    LumenStatus status = find(handle, out);
    if (status != LUMEN_STATUS_OK)
        return status;
    if ((*out)->config.role != role)
        return LUMEN_STATUS_INVALID_ARG;
    if (atomic_exchange_explicit(&(*out)->guards[guard], true, memory_order_acquire))
        return LUMEN_STATUS_BUSY;
    return LUMEN_STATUS_OK;
}

void lm_session_leave(struct lm_session *s, enum lm_guard guard)
{
    atomic_store_explicit(&s->guards[guard], false, memory_order_release);
}

/* --- open and free ---------------------------------------------------------------------------- */

void lm_session_destroy(struct lm_session *s)
{
    if (!s)
        return;
    lm_link_finish(&s->link);
    lm_video_out_finish(&s->out);
    lm_video_in_finish(&s->in);
    lm_input_in_finish(&s->input_in);
    lm_input_out_finish(&s->input_out);
    free(s);
}

/* All but the link. `config` was read. */
static LumenStatus make(const LumenConfig *config, uint32_t reorder_us, struct lm_session **out)
{
    struct lm_session *s = calloc(1, sizeof *s);
    *out = s;
    if (!s)
        return LUMEN_STATUS_NO_MEMORY;
    s->config = *config;
    lm_wipe(s->config.key, sizeof s->config.key);
    int rc;
    if (config->role == LUMEN_ROLE_HOST) {
        rc = lm_video_out_init(&s->out, config, 1);
        if (rc == 0)
            rc = lm_input_in_init(&s->input_in, config);
    } else {
        if (config->reorder_us)
            reorder_us = config->reorder_us;
        rc = lm_video_in_init(&s->in, config, reorder_us * LM_NS_PER_US);
        if (rc == 0)
            rc = lm_input_out_init(&s->input_out, config);
    }
    return lm_create_status(rc);
}

static LumenStatus read_config(const LumenConfig *in, uint32_t role, LumenConfig *out)
{
    LumenStatus status = lm_config_read(in, role, out);
    if (status == LUMEN_STATUS_OK && out->pace_bytes_per_s)
        return LUMEN_STATUS_UNSUPPORTED;
    return status;
}

/* An address that datagrams can be sent to from a socket bound to `local`. */
static LumenStatus read_peer(const char *text, const struct lm_udp_info *local,
                             struct lm_address *out)
{
    struct lm_address peer;
    if (lm_address_parse(text, 0, &peer) < 0 || !lm_address_port(&peer) || lm_address_is_any(&peer))
        return LUMEN_STATUS_INVALID_ARG;
    if (!local->dual_stack && lm_address_is_ipv4(&peer) != lm_address_is_ipv4(&local->local))
        return LUMEN_STATUS_INVALID_ARG;
    *out = peer;
    return LUMEN_STATUS_OK;
}

static LumenStatus open_link(struct lm_session *s, const char *local, const char *peer)
{
    struct lm_udp_config config = {
        .send_buffer_bytes = SOCKET_BUFFER_BYTES,
        .receive_buffer_bytes = SOCKET_BUFFER_BYTES,
        .receive_messages = LM_LINK_MESSAGES,
        .priority = SOCKET_PRIORITY,
    };
    struct lm_udp_info info;
    if (local && lm_address_parse(local, 0, &config.bind_to) < 0)
        return LUMEN_STATUS_INVALID_ARG;
    int rc = lm_udp_open(&config, &s->link.udp);
    if (rc < 0)
        return lm_status_of(rc);
    lm_udp_get_info(s->link.udp, &info);
    return peer ? read_peer(peer, &info, &s->link.route.to) : LUMEN_STATUS_OK;
}

LumenStatus lumen_session_open(const LumenConfig *config, const char *local, const char *peer,
                               LumenSession **out)
{
    LumenConfig c;
    struct lm_session *s = NULL;
    LM_NEED(out);
    *out = NULL;
    LM_NEED(config);
    LumenStatus status = LUMEN_STATUS_INVALID_ARG;
    if (config->struct_size >= offsetof(LumenConfig, phase))
        status = read_config(config, config->role, &c);
    if (status == LUMEN_STATUS_OK)
        status = make(&c, UDP_REORDER_US, &s);
    if (status == LUMEN_STATUS_OK)
        status = open_link(s, local, peer);
    if (status == LUMEN_STATUS_OK) {
        *out = lm_handle_make(LM_HANDLE_SESSION, s);
        status = *out ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_MEMORY;
    }
    if (status != LUMEN_STATUS_OK)
        lm_session_destroy(s);
    lm_wipe(&c, sizeof c);
    return status;
}

LumenSession *lumen_session_new(const LumenConfig *config, const char *local, const char *peer)
{
    LumenSession *session;
    return lumen_session_open(config, local, peer, &session) == LUMEN_STATUS_OK ? session : NULL;
}

static uint32_t video_slots(const LumenConfig *c)
{
    uint64_t frame = lm_config_frame_datagrams(c), slot_bytes = lm_config_datagram_bytes(c);
    uint64_t slots = LOOPBACK_FRAMES * frame;
    if (slots * slot_bytes > LOOPBACK_BYTES)
        slots = LM_MAX(LOOPBACK_BYTES / slot_bytes, frame);
    slots = LM_MAX(slots, (uint64_t)LOOPBACK_LEAST_SLOTS);
    return (uint32_t)LM_MIN(slots, (uint64_t)LM_LOOPBACK_MAX_SLOTS);
}

static int join(struct lm_session *host, struct lm_session *client)
{
    const LumenConfig *h = &host->config, *c = &client->config;
    uint32_t down = h->loopback_drop_period ? h->loopback_drop_period : c->loopback_drop_period;
    uint32_t up = c->loopback_drop_period ? c->loopback_drop_period : h->loopback_drop_period;
    const struct lm_loopback_lane lanes[LM_LANE_COUNT] = {
        [LM_LANE_VIDEO] = {LM_LINK_CLIENT, video_slots(h), lm_config_datagram_bytes(h), down},
        [LM_LANE_ACK] = {LM_LINK_CLIENT, INPUT_SLOTS, LM_INPUT_ACK_DATAGRAM_BYTES, down},
        [LM_LANE_INPUT] = {LM_LINK_HOST, INPUT_SLOTS, LM_INPUT_DATAGRAM_BYTES, up},
    };
    struct lm_loopback *loopback;
    int rc = lm_loopback_create(lanes, LM_LANE_COUNT, &loopback);
    if (rc < 0)
        return rc;
    host->link = (struct lm_link){.loopback = loopback, .end = LM_LINK_HOST};
    client->link = (struct lm_link){.loopback = loopback, .end = LM_LINK_CLIENT};
    return 0;
}

LumenStatus lumen_test_loopback_pair(const LumenConfig *host, const LumenConfig *client,
                                     LumenSession **out_host, LumenSession **out_client)
{
    LumenConfig h, c;
    struct lm_session *sessions[2] = {NULL, NULL};
    if (out_host)
        *out_host = NULL;
    if (out_client)
        *out_client = NULL;
    if (!host || !client || !out_host || !out_client)
        return LUMEN_STATUS_NULL_POINTER;
    LumenStatus status = read_config(host, LUMEN_ROLE_HOST, &h);
    if (status == LUMEN_STATUS_OK)
        status = read_config(client, LUMEN_ROLE_CLIENT, &c);
    if (status == LUMEN_STATUS_OK &&
        (h.phase != c.phase || h.fec_scheme != c.fec_scheme || h.shard_payload != c.shard_payload))
        status = LUMEN_STATUS_INVALID_ARG;
    if (status == LUMEN_STATUS_OK)
        status = make(&h, 0, &sessions[0]);
    if (status == LUMEN_STATUS_OK)
        status = make(&c, 0, &sessions[1]);
    if (status == LUMEN_STATUS_OK)
        status = lm_status_of(join(sessions[0], sessions[1]));
    if (status == LUMEN_STATUS_OK) {
        *out_host = lm_handle_make(LM_HANDLE_SESSION, sessions[0]);
        *out_client = lm_handle_make(LM_HANDLE_SESSION, sessions[1]);
        status = *out_host && *out_client ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_MEMORY;
    }
    if (status != LUMEN_STATUS_OK) {
        (void)!lm_handle_take(LM_HANDLE_SESSION, *out_host);
        (void)!lm_handle_take(LM_HANDLE_SESSION, *out_client);
        *out_host = *out_client = NULL;
        lm_session_destroy(sessions[0]);
        lm_session_destroy(sessions[1]);
    }
    lm_wipe(&h, sizeof h);
    lm_wipe(&c, sizeof c);
    return status;
}

void lumen_session_free(LumenSession *session)
{
    struct lm_session *s = lm_handle_take(LM_HANDLE_SESSION, session);
    if (s && s->dispatching)
        s->doomed = true; /* lumen_host_poll_input, below us on the stack, ends it */
    else
        lm_session_destroy(s);
}

/* --- state ------------------------------------------------------------------------------------ */

LumenStatus lumen_session_set_peer(LumenSession *session, const char *peer)
{
    struct lm_session *s;
    struct lm_udp_info info;
    LumenStatus status = find(session, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(peer);
    if (!s->link.udp)
        return LUMEN_STATUS_UNSUPPORTED;
    lm_udp_get_info(s->link.udp, &info);
    return read_peer(peer, &info, &s->link.route.to);
}

LumenStatus lumen_session_get_info(LumenSession *session, LumenSessionInfo *out)
{
    struct lm_session *s;
    LumenStatus status = find(session, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(out);
    if (out->struct_size < sizeof *out)
        return LUMEN_STATUS_INVALID_ARG;
    LumenSessionInfo info = {
        .struct_size = out->struct_size,
        .transport = LUMEN_TRANSPORT_LOOPBACK,
        .datagram_bytes = lm_config_datagram_bytes(&s->config),
        .fd = -1,
        .local = "none",
        .peer = "none",
    };
    if (s->link.udp) {
        struct lm_udp_info udp;
        lm_udp_get_info(s->link.udp, &udp);
        info.transport = LUMEN_TRANSPORT_UDP;
        info.send_buffer_bytes = udp.send_buffer_bytes;
        info.receive_buffer_bytes = udp.receive_buffer_bytes;
        info.gso = udp.gso;
        info.gro = udp.gro;
        info.fd = lm_udp_fd(s->link.udp);
        lm_address_format(&udp.local, info.local);
        lm_address_format(&s->link.route.to, info.peer);
    }
    *out = info;
    return LUMEN_STATUS_OK;
}

_Static_assert(sizeof((LumenSessionInfo){0}.local) == LM_ADDRESS_TEXT_BYTES, "room for addresses");

/* How long nothing needs to be done unless something comes in. */
static uint64_t idle_ns(struct lm_session *s, uint64_t timeout_ns)
{
    if (s->config.role == LUMEN_ROLE_HOST)
        return timeout_ns;
    if (s->more)
        return 0;
    uint64_t now_ns = lm_clock_now_ns(), until_ns = now_ns + timeout_ns;
    until_ns = LM_MIN(until_ns, lm_video_in_wake_at(&s->in));
    until_ns = LM_MIN(until_ns, atomic_load(&s->input_out.repeat_at));
    return until_ns > now_ns ? until_ns - now_ns : 0;
}

LumenStatus lumen_session_wait(LumenSession *session, uint32_t timeout_ms)
{
    struct lm_session *s;
    LumenStatus status = find(session, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    if (timeout_ms > MAX_WAIT_MS)
        return LUMEN_STATUS_INVALID_ARG;
    uint32_t role = s->config.role;
    enum lm_guard guard = role == LUMEN_ROLE_HOST ? LM_GUARD_INPUT : LM_GUARD_VIDEO;
    status = lm_session_enter(session, role, guard, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    uint64_t timeout_ns = timeout_ms * LM_NS_PER_MS, idle = idle_ns(s, timeout_ns);
    int rc = idle || !timeout_ns ? lm_link_wait(&s->link, idle) : 1;
    bool early = idle < timeout_ns || s->more;
    lm_session_leave(s, guard);
    return rc < 0 ? lm_status_of(rc) : rc || early ? LUMEN_STATUS_OK : LUMEN_STATUS_NO_FRAME;
}

LumenStatus lumen_get_stats(LumenSession *session, LumenStats *out)
{
    struct lm_session *s;
    LumenStatus status = find(session, &s);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(out);
    struct lm_counters *c = &s->counters;
    *out = (LumenStats){
        .frames_submitted = atomic_load_explicit(&c->frames_submitted, memory_order_relaxed),
        .frames_completed = atomic_load_explicit(&c->frames_completed, memory_order_relaxed),
        .frames_dropped = atomic_load_explicit(&c->frames_dropped, memory_order_relaxed),
        .packets_sent = atomic_load_explicit(&c->packets_sent, memory_order_relaxed),
        .packets_received = atomic_load_explicit(&c->packets_received, memory_order_relaxed),
        .packets_dropped = atomic_load_explicit(&c->packets_dropped, memory_order_relaxed),
        .fec_recovered_shards =
            atomic_load_explicit(&c->fec_recovered_shards, memory_order_relaxed),
        .bytes_sent = atomic_load_explicit(&c->bytes_sent, memory_order_relaxed),
        .bytes_received = atomic_load_explicit(&c->bytes_received, memory_order_relaxed),
    };
    if (s->link.loopback)
        out->packets_dropped += lm_loopback_dropped(s->link.loopback);
    return LUMEN_STATUS_OK;
}
