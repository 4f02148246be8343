/* Streams: from the RTSP handshake over the pings to a running pipeline, and back. */
#include "core/transport/clock.h"
#include "host/encode/encode.h"
#include "host/server_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { DSCP_VIDEO = 40, DSCP_AUDIO = 48, PING_BYTES = 20, LEGACY_PING_BYTES = 4 };

/* --- RTSP ------------------------------------------------------------------------------------ */

static uint32_t encryption_requested(const struct server *s, const struct host_session *h)
{
    if (s->config->encryption == CONFIG_ENCRYPTION_AUTO && server_is_local(&h->launch_peer))
        return SDP_ENCRYPT_CONTROL;
    return SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_VIDEO | SDP_ENCRYPT_AUDIO;
}

static int create_pipeline(struct host_session *h, const struct stream_params *params,
                           struct stream *stream);

static struct stream *free_stream(struct server *s)
{
    for (int i = 0; i < SERVER_MAX_STREAMS; i++)
        if (!s->streams[i].used)
            return &s->streams[i];
    return NULL;
}

/* Corrects what the client asked for to what it gets. */
static void adjust(const struct server *s, struct stream_params *params)
{
    if (params->refresh_x100)
        params->rate_mhz = params->refresh_x100 * 10;
    uint32_t most = (uint32_t)s->config->max_bitrate_kbps;
    params->configured_kbps = LM_MIN(params->configured_kbps, most);
    params->maximum_kbps = LM_MIN(params->maximum_kbps, most);
    params->slices =
        LM_CLAMP(params->slices, (uint32_t)s->config->slices, (uint32_t)ENCODE_MAX_SLICES);
}

static int on_announce(void *user, struct stream_params *params)
{
    struct host_session *h = user;
    struct server *s = h->server;
    if (params->codec != SDP_H264 || params->chroma444 || params->ten_bit) {
        lm_warn(s->log, "stream", "refused: only H.264 with 8 bits and 4:2:0 is encoded here");
        return 400;
    }
    if (!h->desktop_ready)
        return 503;
    adjust(s, params);
    server_stream_stop(h, false); /* a second ANNOUNCE replaces the first */
    struct stream *stream = free_stream(s);
    if (!stream)
        return 503;
    int code = create_pipeline(h, params, stream);
    if (code)
        return code == LM_EDEVICE ? 503 : 500;
    return 200;
}

void server_stream_arm(struct host_session *h)
{
    struct server *s = h->server;
    struct rtsp_session_params params = {
        .encrypted = h->parked.encrypted,
        .audio_port = (uint16_t)(s->config->port + PORT_AUDIO),
        .video_port = (uint16_t)(s->config->port + PORT_VIDEO),
        .control_port = (uint16_t)(s->config->port + PORT_CONTROL),
        .codecs = HOSTINFO_H264,
        .offer =
            {
                .encryption_supported = SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_VIDEO | SDP_ENCRYPT_AUDIO,
                .encryption_requested = encryption_requested(s, h),
                .invalidate_refs = true,
            },
        .announce = on_announce,
        .user = h,
    };
    if (s->config->encryption == CONFIG_ENCRYPTION_REQUIRED)
        params.encryption_required = params.offer.encryption_supported;
    memcpy(params.key, h->launch.key, sizeof params.key);
    memcpy(params.offer.surround, h->launch.surround, sizeof params.offer.surround);
    snprintf(params.peer_ip, sizeof params.peer_ip, "%s", h->launch_peer.text);
    rtsp_session_randomize(&params);
    if (h->rtsp_open)
        rtsp_session_finish(&h->rtsp);
    rtsp_session_init(&h->rtsp, &params);
    explicit_bzero(params.key, sizeof params.key);
    h->rtsp_open = true;
    memset(&h->audio_route, 0, sizeof h->audio_route);
    memset(&h->video_route, 0, sizeof h->video_route);
}

static void after_request(struct host_session *h, enum rtsp_state before)
{
    if (server_session_event(h, SESSION_EV_RTSP))
        lm_debug(h->server->log, "rtsp", "session %u: a late request", h->number);
    if (before < RTSP_ANNOUNCED && h->rtsp.state == RTSP_ANNOUNCED &&
        server_session_event(h, SESSION_EV_ANNOUNCED))
        lm_warn(h->server->log, "rtsp", "session %u: announced at the wrong time", h->number);
}

/* A plain request says only where it comes from: of several launches from there, the newest is
 * the one that negotiates. */
static size_t sessions_with_rtsp(struct server *s, struct host_session *out[SERVER_MAX_SESSIONS])
{
    size_t count = 0;
    for (int i = 0; i < SERVER_MAX_SESSIONS; i++) {
        struct host_session *h = &s->sessions[i];
        if (!h->used || h->ending || !h->rtsp_open)
            continue;
        size_t at = count++;
        for (; at > 0 && out[at - 1]->launched_ns < h->launched_ns; at--)
            out[at] = out[at - 1];
        out[at] = h;
    }
    return count;
}

static int on_rtsp_bytes(void *user, const struct rtsp_conn *conn, const uint8_t *data,
                         size_t size_bytes, struct rtsp_answer *answer)
{
    struct server *s = user;
    rtsp_input_reset(s->rtsp_input);
    int fed = rtsp_input_feed(s->rtsp_input, data, size_bytes);
    if (fed != RTSP_COMPLETE)
        return fed == RTSP_NEED_MORE ? RTSP_MORE : fed;
    struct host_session *newest_first[SERVER_MAX_SESSIONS];
    size_t count = sessions_with_rtsp(s, newest_first);
    for (size_t i = 0; i < count; i++) {
        struct host_session *h = newest_first[i];
        enum rtsp_state before = h->rtsp.state;
        int size = rtsp_session_handle(&h->rtsp, s->rtsp_input, conn->peer.text, answer->data,
                                       answer->capacity_bytes);
        if (size == LM_EAUTH)
            continue; /* another session's */
        if (size < 0)
            return size;
        answer->size_bytes = (size_t)size;
        after_request(h, before);
        return RTSP_ANSWER;
    }
    return LM_EAUTH;
}

/* --- pipelines ------------------------------------------------------------------------------- */

static void on_pipeline(void *user, enum pipeline_event event)
{
    struct stream *stream = user;
    (void)event; /* there is one */
    atomic_store(&stream->failed, true);
}

static int create_pipeline(struct host_session *h, const struct stream_params *params,
                           struct stream *stream)
{
    struct server *s = h->server;
    const struct display_env *env = desktop_env(h->desktop);
    bool automatic = !strcmp(s->config->encoder, "auto");
    const struct pipeline_params pipeline = {
        .capture_backend = s->params.capture_backend,
        .wayland_socket = env->wayland_socket,
        .output_name = env->output_name,
        .pipewire_dir = env->pipewire_dir,
        .audio_backend = s->params.audio_backend,
        .encoder = automatic ? NULL : s->config->encoder,
        .encoder_threads = (uint32_t)s->config->encoder_threads,
        .slices = (uint32_t)s->config->slices,
        .fec_percent = (uint32_t)s->config->fec_percent,
        .pace_bytes_per_s = (uint64_t)s->config->pace_mbps * 125000,
        .stream = params,
        .key = h->launch.key,
        .key_id = h->launch.key_id,
        .sound = s->config->sound,
        .continuous_audio = h->launch.continuous_audio,
        .video_socket = s->video_socket,
        .audio_socket = s->audio_socket,
        .trace = s->params.trace != NULL,
        .on_event = on_pipeline,
        .user = stream,
        .log = s->log,
    };
    memset(stream, 0, sizeof *stream);
    int code = pipeline_create(&pipeline, &stream->pipeline);
    if (code)
        return code;
    stream->used = true;
    stream->token = ++s->next_token;
    stream->session = h;
    h->stream = stream;
    if (h->audio_route.to.size_bytes)
        pipeline_set_audio_route(stream->pipeline, &h->audio_route);
    return LM_OK;
}

int server_stream_expect(struct host_session *h)
{
    const struct stream_params *stream = &h->rtsp.stream;
    struct control_stream_params params = {
        .connect_data = h->rtsp.params.connect_data,
        .match_by_address = !(stream->client_features & SDP_CLIENT_SESSION_ID),
        .peer = h->launch_peer,
        .iv = stream->encryption & SDP_ENCRYPT_CONTROL ? CONTROL_IV_V2 : CONTROL_IV_LEGACY,
        .tell_hdr_off = h->launch.hdr,
        .width = h->mode.width,
        .height = h->mode.height,
        .pipeline = h->stream->pipeline,
        .input = desktop_input(h->desktop),
        .token = h->stream->token,
    };
    memcpy(params.key, h->launch.key, sizeof params.key);
    int code = control_thread_add(h->server->control, &params);
    explicit_bzero(params.key, sizeof params.key);
    h->stream->added = code == LM_OK;
    return code;
}

void server_stream_start(struct host_session *h)
{
    const struct stream_params *p = &h->rtsp.stream;
    h->connected_ns = lm_clock_now_ns();
    lm_info(h->server->log, "stream",
            "session %u: \"%s\" streams %ux%u at %.2f fps, H.264, %u kbit/s, %s%s%sencrypted",
            h->number, h->device.name, p->width_px, p->height_px, p->rate_mhz / 1000.0,
            stream_video_kbps(p, (uint32_t)h->server->config->fec_percent),
            p->encryption & SDP_ENCRYPT_VIDEO ? "picture, " : "",
            p->encryption & SDP_ENCRYPT_AUDIO ? "sound, " : "", "control ");
    if (h->stream)
        pipeline_start(h->stream->pipeline);
}

static void destroy_stream(struct stream *stream)
{
    pipeline_destroy(stream->pipeline);
    memset(stream, 0, sizeof *stream);
}

void server_stream_stop(struct host_session *h, bool terminate)
{
    struct stream *stream = h->stream;
    if (!stream)
        return;
    h->stream = NULL;
    stream->dying = true;
    if (stream->added)
        control_thread_remove(h->server->control, stream->token, terminate);
    else
        destroy_stream(stream);
}

bool server_stream_uses(const struct server *s, const struct host_session *h)
{
    for (int i = 0; i < SERVER_MAX_STREAMS; i++)
        if (s->streams[i].used && s->streams[i].session == h)
            return true;
    return false;
}

/* --- control --------------------------------------------------------------------------------- */

static struct stream *stream_of_token(struct server *s, uint64_t token)
{
    for (int i = 0; i < SERVER_MAX_STREAMS; i++)
        if (s->streams[i].used && s->streams[i].token == token)
            return &s->streams[i];
    return NULL;
}

/* The token carries the event in its top byte on the way to the main thread. */
static void on_control(void *user, uint64_t arg)
{
    struct server *s = user;
    struct stream *stream = stream_of_token(s, arg & (UINT64_MAX >> 8));
    if (!stream)
        return;
    struct host_session *h = stream->session;
    enum control_event event = (enum control_event)(arg >> 56);
    int code = LM_OK;
    if (event == CONTROL_REMOVED) {
        destroy_stream(stream);
        server_session_release(h);
    } else if (!stream->dying) {
        code = server_session_event(h, event == CONTROL_CONNECTED ? SESSION_EV_CONTROL_CONNECTED
                                                                  : SESSION_EV_CONTROL_LOST);
    }
    if (code)
        lm_debug(s->log, "control", "session %u: an event at the wrong time", h->number);
}

static void post_control(void *user, enum control_event event, uint64_t token)
{
    struct server *s = user;
    const struct loop_task task = {
        .run = on_control, .user = s, .arg = (uint64_t)event << 56 | token};
    LM_CHECK(loop_inbox_post(s->control_inbox, &task) == LM_OK); /* three per stream */
}

/* --- pings ----------------------------------------------------------------------------------- */

static bool payload_matches(const struct host_session *h, const uint8_t *ping, bool audio)
{
    const char *payload = audio ? h->rtsp.params.audio_ping : h->rtsp.params.video_ping;
    return !memcmp(ping, payload, RTSP_PING_BYTES);
}

static bool is_from_launcher(const struct host_session *h, const struct lm_address *from)
{
    char text[LM_ADDRESS_TEXT_BYTES];
    return !strcmp(lm_address_format_host(from, text), h->launch_peer.text);
}

static bool ping_matches(const struct host_session *h, const uint8_t *ping, size_t size_bytes,
                         const struct lm_address *from, bool audio)
{
    if (!h->used || h->ending || !h->rtsp_open)
        return false;
    if (size_bytes == PING_BYTES)
        return payload_matches(h, ping, audio);
    bool knows_payload =
        h->rtsp.state >= RTSP_ANNOUNCED && (h->rtsp.stream.client_features & SDP_CLIENT_SESSION_ID);
    return size_bytes == LEGACY_PING_BYTES && !memcmp(ping, "PING", LEGACY_PING_BYTES) &&
           !knows_payload && is_from_launcher(h, from);
}

static void follow(struct host_session *h, const struct lm_udp_message *m, bool audio)
{
    struct lm_udp_route *route = audio ? &h->audio_route : &h->video_route;
    if (lm_address_equal(&route->to, &m->from))
        return;
    const struct stream_params *p = &h->rtsp.stream;
    bool announced = h->rtsp.state >= RTSP_ANNOUNCED;
    bool mark = announced && (audio ? p->mark_audio : p->mark_video);
    *route = (struct lm_udp_route){
        .to = m->from,
        .from = m->local,
        .interface = m->interface,
        .dscp = !mark   ? 0
                : audio ? DSCP_AUDIO
                        : DSCP_VIDEO,
    };
    if (!h->stream)
        return; /* the audio ping comes before ANNOUNCE: handed over when the pipeline is made */
    if (audio)
        pipeline_set_audio_route(h->stream->pipeline, route);
    else
        pipeline_set_video_route(h->stream->pipeline, route);
}

static void take_ping(struct server *s, const struct lm_udp_message *m, bool audio)
{
    size_t step = m->segment_bytes ? m->segment_bytes : m->size_bytes;
    for (size_t at = 0; step && at < m->size_bytes; at += step) {
        size_t size = LM_MIN(step, m->size_bytes - at);
        for (int i = 0; i < SERVER_MAX_SESSIONS; i++)
            if (ping_matches(&s->sessions[i], m->data + at, size, &m->from, audio))
                follow(&s->sessions[i], m, audio);
    }
}

static void take_pings(struct server *s, struct lm_udp *socket, bool audio)
{
    struct lm_udp_message messages[4];
    int count;
    for (int rounds = 0; rounds < 16; rounds++) { /* a flood must not hold up the loop */
        count = lm_udp_receive(socket, messages, LM_ARRAY_LEN(messages));
        for (int i = 0; i < count; i++)
            take_ping(s, &messages[i], audio);
        if (count <= 0)
            return;
    }
}

static void on_video_ready(void *user, unsigned events)
{
    struct server *s = user;
    take_pings(s, s->video_socket, false);
}

static void on_audio_ready(void *user, unsigned events)
{
    struct server *s = user;
    take_pings(s, s->audio_socket, true);
}

/* --- the whole ------------------------------------------------------------------------------- */

static void write_trace(FILE *out, uint32_t session, const struct pipeline_trace *t)
{
    fprintf(out,
            "{\"session\":%u,\"frame\":%u,\"kind\":%u,\"repeated\":%d,\"bytes\":%u,"
            "\"captured\":%llu,\"ready\":%llu,\"begun\":%llu,\"converted\":%llu,\"blocks\":[",
            session, t->frame_index, t->kind, t->repeated, t->size_bytes,
            (unsigned long long)t->captured_ns, (unsigned long long)t->ready_ns,
            (unsigned long long)t->begun_ns, (unsigned long long)t->converted_ns);
    for (uint32_t b = 0; b < t->blocks && b < PIPELINE_MAX_BLOCKS; b++)
        fprintf(out, "%s{\"encoded\":%llu,\"first_sent\":%llu,\"last_sent\":%llu}", b ? "," : "",
                (unsigned long long)t->slice_ns[b], (unsigned long long)t->first_sent_ns[b],
                (unsigned long long)t->last_sent_ns[b]);
    fprintf(out, "]}\n");
}

/* A line a second at debug level; at once and at most once a stream, what weakens it. */
static void log_counters(struct server *s, struct stream *stream, uint64_t now_ns)
{
    if (now_ns - stream->counted_ns < LM_NS_PER_S)
        return;
    struct pipeline_stats stats, *before = &stream->counted;
    pipeline_get_stats(stream->pipeline, &stats);
    uint64_t weak = stats.blocks_unprotected + stats.blocks_underprotected;
    if (weak && !before->blocks_unprotected && !before->blocks_underprotected)
        lm_warn(
            s->log, "stream",
            "session %u: a frame was too large for its full parity; a lower bitrate or a larger "
            "packet size keeps all frames protected",
            stream->session->number);
    if (stats.frames_dropped && !before->frames_dropped)
        lm_warn(s->log, "stream", "session %u: a frame was too large to be sent and was dropped",
                stream->session->number);
    lm_debug(
        s->log, "stream",
        "session %u: %llu frames (%llu key, %llu recovery, %llu repeated), %llu images skipped, "
        "%.1f Mbit/s, %llu sound datagrams, client repaired %llu and lost %llu blocks",
        stream->session->number, (unsigned long long)(stats.frames - before->frames),
        (unsigned long long)(stats.key_frames - before->key_frames),
        (unsigned long long)(stats.recovery_frames - before->recovery_frames),
        (unsigned long long)(stats.repeated_frames - before->repeated_frames),
        (unsigned long long)(stats.images_skipped - before->images_skipped),
        (double)(stats.video_bytes - before->video_bytes) * 8e3 /
            (double)(now_ns - stream->counted_ns),
        (unsigned long long)(stats.audio_datagrams - before->audio_datagrams),
        (unsigned long long)stats.client_blocks_repaired,
        (unsigned long long)stats.client_blocks_lost);
    *before = stats;
    stream->counted_ns = now_ns;
}

void server_stream_tick(struct server *s)
{
    uint64_t now_ns = lm_clock_now_ns();
    for (int i = 0; i < SERVER_MAX_STREAMS; i++) {
        struct stream *stream = &s->streams[i];
        struct pipeline_trace trace;
        if (!stream->used)
            continue;
        while (s->params.trace && pipeline_pop_trace(stream->pipeline, &trace))
            write_trace(s->params.trace, stream->session->number, &trace);
        if (!stream->dying)
            log_counters(s, stream, now_ns);
        if (!stream->dying && atomic_exchange(&stream->failed, false) &&
            server_session_event(stream->session, SESSION_EV_STREAM_FAILED))
            lm_debug(s->log, "stream", "failed at the wrong time");
    }
    if (s->params.trace)
        fflush(s->params.trace);
}

static int open_udp(struct server *s, int offset, int priority, struct lm_udp **out,
                    struct loop_watch **watch, void (*ready)(void *user, unsigned events))
{
    struct lm_udp_config config = {
        .port = (uint16_t)(s->config->port + offset),
        .send_buffer_bytes = 1 << 20,
        .priority = priority,
    };
    int code = s->config->listen == CONFIG_LISTEN_LOOPBACK
                   ? lm_address_parse("127.0.0.1", config.port, &config.bind_to)
                   : LM_OK;
    if (!code)
        code = lm_udp_open(&config, out);
    if (code) {
        lm_error(s->log, "stream", "UDP port %u cannot be used: %s", config.port,
                 lm_err_text(code));
        return code;
    }
    *watch = loop_watch_create(s->params.loop, lm_udp_fd(*out), LOOP_READABLE, ready, s);
    return *watch ? LM_OK : LM_ENOMEM;
}

int server_stream_open(struct server *s)
{
    s->rtsp_input = calloc(1, sizeof *s->rtsp_input);
    s->control_inbox = loop_inbox_create(s->params.loop, 256);
    if (!s->rtsp_input || !s->control_inbox)
        return LM_ENOMEM;
    int code = open_udp(s, PORT_VIDEO, 5, &s->video_socket, &s->video_watch, on_video_ready);
    if (!code)
        code = open_udp(s, PORT_AUDIO, 6, &s->audio_socket, &s->audio_watch, on_audio_ready);
    if (code)
        return code;
    const struct control_thread_params control = {
        .port = (uint16_t)(s->config->port + PORT_CONTROL),
        .loopback_only = s->config->listen == CONFIG_LISTEN_LOOPBACK,
        .log = s->log,
        .on_event = post_control,
        .user = s,
    };
    code = control_thread_create(&control, &s->control);
    if (code) {
        lm_error(s->log, "stream", "UDP port %u cannot be used: %s", control.port,
                 lm_err_text(code));
        return code;
    }
    const struct rtsp_server_params rtsp = {
        .listen = {.port = (uint16_t)(s->config->port + PORT_RTSP),
                   .loopback_only = s->config->listen == CONFIG_LISTEN_LOOPBACK},
        .on_bytes = on_rtsp_bytes,
        .user = s,
    };
    code = rtsp_server_create(&s->rtsp, s->params.loop, &rtsp);
    if (code)
        lm_error(s->log, "stream", "TCP port %u cannot be used: %s", rtsp.listen.port,
                 lm_err_text(code));
    return code;
}

void server_stream_close(struct server *s)
{
    rtsp_server_destroy(s->rtsp);
    control_thread_destroy(s->control);
    for (int i = 0; i < SERVER_MAX_STREAMS; i++)
        if (s->streams[i].used)
            destroy_stream(&s->streams[i]);
    if (s->video_watch)
        loop_watch_destroy(s->video_watch);
    if (s->audio_watch)
        loop_watch_destroy(s->audio_watch);
    lm_udp_close(s->video_socket);
    lm_udp_close(s->audio_socket);
    loop_inbox_destroy(s->control_inbox);
    free(s->rtsp_input);
}
