/* The whole pipeline against a scripted host over 127.0.0.1, on ports that the system chooses. */
#include "client/pipeline.h"

#include "client/test_frames.h"
#include "core/base/check.h"
#include "core/send/audio_sender.h"
#include "core/send/sender.h"
#include "core/transport/clock.h"
#include "core/transport/udp.h"
#include "media/opus.h"
#include "net/control_host.h"
#include "session/control.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

enum {
    PACKET_SIZE = 1024,
    KEY_ID = 0x7EADBEEF,
    CONNECT_DATA = 4711,
    LAST_FRAME = 240,
    LOST_FRAME = 29, /* the second of its group of three */
    DAMAGED_FRAME = 61,
    LIMIT_MS = 30000,
    SAMPLES = 240,
    MAX_AHEAD = 5, /* frames on their way to the client's decoder; two of all never arrive there */
};

static const uint8_t key[16] = "0123456789abcdef";
static const char video_ping[] = "VIDEOVIDEOVIDEO1", audio_ping[] = "AUDIOAUDIOAUDIO1";

struct scripted {
    struct control_host *host;
    struct control_peer *peer;
    struct control *control;
    struct lm_udp *video, *audio;
    struct lm_udp_route video_to, audio_to;
    struct lm_sender *sender;
    struct lm_audio_sender *audio_sender;
    struct opus_enc *opus;
    bool invalidates;
    uint32_t frames, samples;
    /* what the client said */
    uint32_t starts, idr_requests, invalidations, pings, keys, statuses;
    struct lm_gs_frame_range first_range;
    _Atomic(struct pipeline *) client; /* whose progress is watched; NULL: not started */
    _Atomic bool client_gone;
    bool ended;
    pthread_t thread;
};

static bool admit(void *user, const struct net_addr *from, uint32_t connect_data)
{
    return connect_data == CONNECT_DATA;
}

static void connected(void *user, struct control_peer *peer, uint32_t connect_data)
{
    ((struct scripted *)user)->peer = peer;
}

static void disconnected(void *user, struct control_peer *peer)
{
    struct scripted *s = user;
    s->peer = NULL;
    atomic_store(&s->client_gone, true);
}

static void received(void *user, struct control_peer *peer, uint8_t channel, const uint8_t *data,
                     size_t size_bytes)
{
    struct scripted *s = user;
    struct lm_gs_client_message m;
    if (control_read_client(s->control, data, size_bytes, &m) < 0)
        return;
    s->starts += m.kind == LM_GS_CLIENT_START_B;
    s->idr_requests += m.kind == LM_GS_CLIENT_REQUEST_IDR;
    s->pings += m.kind == LM_GS_CLIENT_PING;
    s->statuses += m.kind == LM_GS_CLIENT_FEC_STATUS;
    s->keys += m.kind == LM_GS_CLIENT_INPUT && m.input.kind == LM_GS_INPUT_KEY;
    if (m.kind == LM_GS_CLIENT_INVALIDATE && s->invalidations++ == 0)
        s->first_range = m.range;
}

/* Learns where to send from the first proper ping. */
static void take_ping(struct lm_udp *udp, const char *payload, struct lm_udp_route *to)
{
    struct lm_udp_message m[4];
    int count = lm_udp_receive(udp, m, 4);
    for (int i = 0; i < count; i++)
        if (m[i].size_bytes == 20 && memcmp(m[i].data, payload, 16) == 0)
            to->to = m[i].from;
}

/* Frames go round: key frame, two P frames. One is kept back whole, of one a datagram. */
static void send_frame(struct scripted *s)
{
    static const struct lm_piece pieces[] = {
        {frame0, sizeof frame0}, {frame1, sizeof frame1}, {frame2, sizeof frame2}};
    uint64_t now_ns = lm_clock_now_ns(), wake_at;
    uint32_t index = ++s->frames;
    struct lm_frame_begin begin = {.type = index % 3 == 1 ? LM_FRAME_KEY : LM_FRAME_P,
                                   .timestamp_90k = index * 900,
                                   .latency_100us = 42,
                                   .now_ns = now_ns};
    struct lm_batch batch;
    LM_CHECK(lm_sender_push_frame(s->sender, &begin, &pieces[(index - 1) % 3], 1) == LM_OK);
    while (lm_sender_pull(s->sender, now_ns, &batch, &wake_at) == 1) {
        uint32_t skip = index == DAMAGED_FRAME ? 1 : 0;
        for (uint32_t i = skip; i < batch.segments && index != LOST_FRAME; i++)
            LM_CHECK(lm_udp_send(s->video, &s->video_to, batch.data + i * batch.segment_bytes,
                                 batch.segment_bytes) == LM_OK);
        lm_sender_done(s->sender, batch.segments, now_ns);
    }
}

static void send_sound(struct scripted *s)
{
    float samples[2 * SAMPLES];
    uint8_t packet[OPUS_PACKET_MAX_BYTES];
    struct lm_batch batch;
    for (int i = 0; i < SAMPLES; i++, s->samples++)
        samples[2 * i] = samples[2 * i + 1] =
            0.5f * (float)sin(2 * M_PI * 440 * s->samples / OPUS_RATE_HZ);
    int size = opus_enc_push(s->opus, samples, packet, sizeof packet);
    LM_CHECK(size > 0);
    LM_CHECK(lm_audio_sender_push(s->audio_sender, packet, (size_t)size, 0) == LM_OK);
    while (lm_audio_sender_pull(s->audio_sender, &batch) == 1) {
        for (uint32_t i = 0; i < batch.segments; i++)
            LM_CHECK(lm_udp_send(s->audio, &s->audio_to, batch.data + i * batch.segment_bytes,
                                 batch.segment_bytes) == LM_OK);
        lm_audio_sender_done(s->audio_sender, batch.segments);
    }
}

static void end_stream(struct scripted *s)
{
    struct lm_gs_host_message message = {.kind = LM_GS_HOST_TERMINATION,
                                         .reason = LM_GS_END_GRACEFUL};
    uint8_t packet[LM_GS_ENVELOPE_MAX_BYTES];
    int size = control_write_host(s->control, &message, packet, sizeof packet);
    LM_CHECK(size > 0 && control_peer_send(s->peer, 0, packet, (size_t)size) == LM_OK);
    s->ended = true;
}

/* What the client has dealt with, of the frames that can be dealt with at all. */
static uint32_t frames_done(const struct pipeline *p)
{
    if (decode_knows(DECODE_H264))
        return (uint32_t)viewer_pictures(p->viewer) + 2;
    return (uint32_t)atomic_load(&receive_live(p->receive)->frames) + 1;
}

/* On a busy machine the client's threads may run late: what they do is checked, not when. */
static bool may_send(const struct scripted *s)
{
    struct pipeline *p = atomic_load(&s->client);
    return p && lm_address_is_set(&s->video_to.to) && s->starts && s->frames < LAST_FRAME &&
           s->frames < frames_done(p) + MAX_AHEAD;
}

static bool all_is_done(const struct scripted *s)
{
    struct pipeline *p = atomic_load(&s->client);
    bool asked = s->invalidates ? s->invalidations >= 1 : s->idr_requests >= 2;
    return p && s->peer && s->frames == LAST_FRAME && frames_done(p) == LAST_FRAME && asked &&
           s->keys >= 2 && s->pings >= 5 && s->statuses >= 1;
}

static void *run_host(void *user)
{
    struct scripted *s = user;
    uint64_t limit_ns = lm_clock_now_ns() + LIMIT_MS * LM_NS_PER_MS;
    while (!atomic_load(&s->client_gone) && lm_clock_now_ns() < limit_ns) {
        LM_CHECK(control_host_service(s->host, 5) >= 0);
        take_ping(s->video, video_ping, &s->video_to);
        take_ping(s->audio, audio_ping, &s->audio_to);
        if (lm_address_is_set(&s->audio_to.to))
            send_sound(s);
        if (may_send(s))
            send_frame(s);
        if (!s->ended && all_is_done(s))
            end_stream(s);
    }
    return NULL;
}

static void start_host(struct scripted *s, struct connect_stream *out)
{
    struct control_host_params host = {
        .loopback_only = true,
        .events = {.admit = admit,
                   .connected = connected,
                   .received = received,
                   .disconnected = disconnected},
        .user = s,
    };
    struct lm_udp_config socket = {.receive_messages = 4};
    struct lm_sender_config video = {.packet_size = PACKET_SIZE,
                                     .fec_percent = 20,
                                     .min_parity = 2,
                                     .encrypt = true,
                                     .max_frame_bytes = 65536};
    struct lm_audio_sender_config audio = {
        .packet_duration_ms = 5, .fec = true, .encrypt = true, .rikeyid = KEY_ID};
    struct opus_enc_params opus = {{2, 1, 1, {0, 1}}, 96000, SAMPLES};
    memcpy(video.key, key, sizeof key);
    memcpy(audio.key, key, sizeof key);
    assert_int_equal(lm_address_parse("127.0.0.1", 0, &socket.bind_to), 0);
    assert_int_equal(control_host_create(&s->host, &host), 0);
    assert_int_equal(control_create(&s->control, CONTROL_HOST, CONTROL_IV_V2, key), 0);
    assert_int_equal(lm_udp_open(&socket, &s->video), 0);
    assert_int_equal(lm_udp_open(&socket, &s->audio), 0);
    assert_int_equal(lm_sender_create(&video, &s->sender), 0);
    assert_int_equal(lm_audio_sender_create(&audio, &s->audio_sender), 0);
    assert_int_equal(opus_enc_create(&opus, &s->opus), 0);

    struct lm_udp_info info;
    *out = (struct connect_stream){
        .key_id = KEY_ID,
        .layout = {2, 1, 1, {0, 1}},
        .can_invalidate = s->invalidates,
        .control_v2 = true,
        .connect_data = CONNECT_DATA,
        .control_port = control_host_port(s->host),
        .params = {.width_px = 64,
                   .height_px = 64,
                   .rate_mhz = 60000,
                   .packet_size_bytes = PACKET_SIZE,
                   .configured_kbps = 1000,
                   .encryption = SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_VIDEO | SDP_ENCRYPT_AUDIO,
                   .packet_ms = 5},
    };
    assert_int_equal(net_addr_parse(&out->host, "127.0.0.1", 0), 0);
    memcpy(out->key, key, sizeof key);
    strcpy(out->video_ping, video_ping);
    strcpy(out->audio_ping, audio_ping);
    lm_udp_get_info(s->video, &info);
    out->video_port = lm_address_port(&info.local);
    lm_udp_get_info(s->audio, &info);
    out->audio_port = lm_address_port(&info.local);
    assert_int_equal(pthread_create(&s->thread, NULL, run_host, s), 0);
}

static void finish_host(struct scripted *s)
{
    opus_enc_destroy(s->opus);
    lm_audio_sender_destroy(s->audio_sender);
    lm_sender_destroy(s->sender);
    lm_udp_close(s->video);
    lm_udp_close(s->audio);
    control_destroy(s->control);
    control_host_destroy(s->host);
}

static void press_a_key(struct pipeline *p)
{
    struct lm_gs_input_event event = {.kind = LM_GS_INPUT_KEY, .key = {.down = true, .vk = 'A'}};
    channel_post_input(p->channel, &event);
    event.key.down = false;
    channel_post_input(p->channel, &event);
}

static void stream_once(struct scripted *s, struct pipeline **out)
{
    struct connect_stream stream;
    struct failure failure = {0};
    start_host(s, &stream);
    struct pipeline_params params = {
        .stream = &stream, .fec_status = true, .sound_backend = "null"};
    assert_int_equal(pipeline_create(&params, out, &failure), 0);
    assert_int_equal(pipeline_start(*out, &failure), 0);
    atomic_store(&s->client, *out);
    press_a_key(*out);

    uint32_t code = 0;
    struct pollfd ready = {.fd = (*out)->ending.wake.fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, LIMIT_MS), 1);
    assert_int_equal(ending_cause(&(*out)->ending, &code), ENDING_HOST);
    assert_int_equal(code, LM_GS_END_GRACEFUL);
    pipeline_stop(*out, true);
    pthread_join(s->thread, NULL);
    assert_true(s->client_gone); /* said goodbye, did not time out */
}

static void check_stream(const struct scripted *s, const struct pipeline *p)
{
    const struct receive_results *in = receive_results(p->receive);
    const struct listener_results *sound = listener_results(p->listener);
    assert_int_equal(s->starts, 1);
    assert_int_equal(s->keys, 2);
    assert_true(s->pings >= 5);
    assert_true(s->statuses >= 1);
    assert_int_equal(in->frames, LAST_FRAME - 1);
    assert_int_equal(in->stats.frames_lost, 1);
    assert_int_equal(in->stats.shards_repaired, 1);
    assert_int_equal(in->recoveries, 1);
    assert_int_equal(in->keys, LAST_FRAME / 3);
    assert_int_equal(in->host.max_us, 4200);
    /* The frame behind the lost one cannot be shown. */
    assert_int_equal(in->frames_dropped, 1);
    assert_int_equal(sound->stats.lost, 0);
    assert_int_equal(sound->undecodable, 0);
    assert_true(fabs(stats_tone_hz(&sound->tone, OPUS_RATE_HZ) - 440) < 0.5);
    if (decode_knows(DECODE_H264)) {
        assert_int_equal(viewer_results(p->viewer)->errors, 0);
        assert_int_equal(viewer_results(p->viewer)->pictures, LAST_FRAME - 2);
    }
}

static void losses_are_repaired_or_recovered_by_invalidation(void **state)
{
    struct scripted s = {.invalidates = true};
    struct pipeline *p = NULL;
    stream_once(&s, &p);
    check_stream(&s, p);
    assert_int_equal(s.idr_requests, 1); /* the one that starts the stream */
    assert_true(s.invalidations >= 1);
    assert_int_equal(s.first_range.first, LOST_FRAME);
    pipeline_destroy(p);
    finish_host(&s);
}

static void losses_are_recovered_by_key_frames(void **state)
{
    struct scripted s = {.invalidates = false};
    struct pipeline *p = NULL;
    stream_once(&s, &p);
    check_stream(&s, p);
    assert_int_equal(s.invalidations, 0);
    assert_int_equal(s.idr_requests, 2);
    pipeline_destroy(p);
    finish_host(&s);
}

static void a_pipeline_that_never_started_is_destroyed(void **state)
{
    struct connect_stream stream;
    struct failure failure = {0};
    struct scripted s = {0};
    struct pipeline *p = NULL;
    start_host(&s, &stream);
    struct pipeline_params params = {.stream = &stream, .sound_backend = "null"};
    assert_int_equal(pipeline_create(&params, &p, &failure), 0);
    pipeline_destroy(p);
    atomic_store(&s.client_gone, true);
    pthread_join(s.thread, NULL);
    finish_host(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(losses_are_repaired_or_recovered_by_invalidation),
        cmocka_unit_test(losses_are_recovered_by_key_frames),
        cmocka_unit_test(a_pipeline_that_never_started_is_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
