#include "host/test_rig.h"

#include "core/base/check.h"
#include "core/send/sender.h"
#include "core/transport/clock.h"
#include "host/encode/encode.h"

#include <poll.h>
#include <string.h>

enum { PACKET_SIZE = 1024, KEY_ID = 77, MESSAGES = 16, RECEIVE_BYTES = 4 << 20, FEC_PERCENT = 20 };

static const uint64_t limit_ns = 30 * LM_NS_PER_S;
static const uint8_t key[16] = "0123456789abcdef";

static struct lm_udp *open_socket(uint32_t receive_bytes)
{
    struct lm_udp *udp;
    struct lm_udp_config config = {.receive_buffer_bytes = receive_bytes,
                                   .receive_messages = MESSAGES};
    LM_CHECK(lm_address_parse("127.0.0.1", 0, &config.bind_to) == LM_OK);
    LM_CHECK(lm_udp_open(&config, &udp) == LM_OK);
    return udp;
}

static void open_receivers(struct rig *rig)
{
    struct lm_receiver_config video = {.packet_size = PACKET_SIZE,
                                       .encrypted = true,
                                       .max_frame_bytes = 1 << 20,
                                       .reorder_ns = 4 * LM_NS_PER_MS};
    struct lm_audio_receiver_config audio = {
        .encrypted = true, .rikeyid = KEY_ID, .packet_duration_ms = 5};
    memcpy(video.key, key, sizeof key);
    memcpy(audio.key, key, sizeof key);
    LM_CHECK(lm_receiver_create(&video, &rig->receiver) == LM_OK);
    LM_CHECK(lm_audio_receiver_create(&audio, &rig->audio_receiver) == LM_OK);
}

static void take_frames(struct rig *rig, uint64_t now)
{
    struct lm_received_frame frame;
    struct lm_fec_status status;
    struct lm_loss loss;
    while (lm_receiver_pop(rig->receiver, now, &frame)) {
        if (rig->params.on_frame)
            rig->params.on_frame(rig->params.user, &frame);
        atomic_fetch_add(&rig->key_frames, frame.type == LM_FRAME_KEY);
        atomic_fetch_add(&rig->recovery_frames, frame.type == LM_FRAME_RECOVERED);
        atomic_fetch_add(&rig->frames, 1);
        lm_wake_signal(&rig->progress);
    }
    while (lm_receiver_pop_loss(rig->receiver, &loss) ||
           lm_receiver_pop_status(rig->receiver, &status)) {
    }
}

static void receive_video(struct rig *rig, uint64_t now)
{
    struct lm_udp_message m[MESSAGES];
    int count = lm_udp_receive(rig->video, m, MESSAGES);
    for (int i = 0; i < count; i++)
        for (size_t at = 0; at < m[i].size_bytes; at += m[i].segment_bytes)
            lm_receiver_push(rig->receiver, m[i].data + at,
                             LM_MIN(m[i].segment_bytes, m[i].size_bytes - at), now);
    take_frames(rig, now);
}

static void receive_audio(struct rig *rig, uint64_t now)
{
    struct lm_udp_message m[MESSAGES];
    struct lm_audio_packet packet;
    int count = lm_udp_receive(rig->audio, m, MESSAGES);
    for (int i = 0; i < count; i++)
        for (size_t at = 0; at < m[i].size_bytes; at += m[i].segment_bytes)
            lm_audio_receiver_push(rig->audio_receiver, m[i].data + at,
                                   LM_MIN(m[i].segment_bytes, m[i].size_bytes - at), now);
    while (lm_audio_receiver_pop(rig->audio_receiver, now, &packet))
        atomic_fetch_add(&rig->sounds, packet.data != NULL);
}

static void receive(void *user)
{
    struct rig *rig = user;
    struct pollfd fds[] = {{.fd = lm_udp_fd(rig->video), .events = POLLIN},
                           {.fd = lm_udp_fd(rig->audio), .events = POLLIN},
                           {.fd = rig->stop.fd, .events = POLLIN}};
    while (!atomic_load(&rig->stopping)) {
        poll(fds, LM_ARRAY_LEN(fds), 5);
        uint64_t now = lm_clock_now_ns();
        receive_video(rig, now);
        receive_audio(rig, now);
        struct pipeline_trace trace;
        while (rig->params.trace && pipeline_pop_trace(rig->pipeline, &trace))
            atomic_fetch_add(&rig->traces, 1);
    }
}

static void on_event(void *user, enum pipeline_event event)
{
    struct rig *rig = user;
    LM_CHECK(event == PIPELINE_EVENT_FAILED);
    atomic_fetch_add(&rig->failures, 1);
    lm_wake_signal(&rig->progress);
}

bool rig_has_encoder(const char *name)
{
    for (int i = 0; encode_backends[i]; i++)
        if (!strcmp(encode_backends[i]->name, name))
            return true;
    return false;
}

static void open_pipeline(struct rig *rig)
{
    const struct rig_params *params = &rig->params;
    const struct stream_params stream = {
        .width_px = params->width,
        .height_px = params->height,
        .rate_mhz = params->rate_mhz,
        .packet_size_bytes = PACKET_SIZE,
        .configured_kbps = params->kbps,
        .codec = SDP_H264,
        .slices = params->slices,
        .color_space = 1,
        .min_parity_packets = 2,
        .encryption = SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_VIDEO | SDP_ENCRYPT_AUDIO,
        .audio_channels = 2,
        .channel_mask = 3,
        .packet_ms = 5,
    };
    const struct pipeline_params pipeline = {
        .capture_backend = "pattern",
        .audio_backend = "tone",
        .encoder = params->encoder,
        .slices = params->slices,
        .fec_percent = FEC_PERCENT,
        .pace_bytes_per_s = 125000000,
        .stream = &stream,
        .key = key,
        .key_id = KEY_ID,
        .sound = true,
        .video_socket = rig->host_video,
        .audio_socket = rig->host_audio,
        .trace = params->trace,
        .on_event = on_event,
        .user = rig,
        .log = params->log,
    };
    LM_CHECK(pipeline_create(&pipeline, &rig->pipeline) == LM_OK);
}

void rig_set_routes(struct rig *rig)
{
    struct lm_udp_info info;
    struct lm_udp_route route = {0};
    lm_udp_get_info(rig->video, &info);
    route.to = info.local;
    pipeline_set_video_route(rig->pipeline, &route);
    lm_udp_get_info(rig->audio, &info);
    route.to = info.local;
    pipeline_set_audio_route(rig->pipeline, &route);
}

void rig_start(struct rig *rig, const struct rig_params *params)
{
    *rig = (struct rig){.params = *params};
    rig->host_video = open_socket(0);
    rig->host_audio = open_socket(0);
    rig->video = open_socket(RECEIVE_BYTES);
    rig->audio = open_socket(0);
    open_receivers(rig);
    LM_CHECK(lm_wake_init(&rig->stop) == LM_OK && lm_wake_init(&rig->progress) == LM_OK);
    open_pipeline(rig);
    LM_CHECK(thread_start(&rig->thread, "receive", 0, receive, rig) == LM_OK);
    rig_set_routes(rig);
    pipeline_start(rig->pipeline);
}

bool rig_wait(struct rig *rig, _Atomic uint32_t *counter, uint32_t count)
{
    uint64_t until = lm_clock_now_ns() + limit_ns;
    struct pollfd ready = {.fd = rig->progress.fd, .events = POLLIN};
    while (atomic_load(counter) < count) {
        if (lm_clock_now_ns() > until)
            return false;
        poll(&ready, 1, 100);
        lm_wake_clear(&rig->progress);
    }
    return true;
}

void rig_stop(struct rig *rig)
{
    atomic_store(&rig->stopping, true); /* the thread reads the pipeline's traces */
    lm_wake_signal(&rig->stop);
    thread_join(&rig->thread);
    pipeline_destroy(rig->pipeline);
    lm_receiver_destroy(rig->receiver);
    lm_audio_receiver_destroy(rig->audio_receiver);
    lm_udp_close(rig->host_video);
    lm_udp_close(rig->host_audio);
    lm_udp_close(rig->video);
    lm_udp_close(rig->audio);
    lm_wake_finish(&rig->stop);
    lm_wake_finish(&rig->progress);
}
