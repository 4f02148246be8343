#include "host/pipeline.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "core/wire/gs_control.h"
#include "host/pipeline_parts.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Parity, sound and the control channel come off the rate that the user configured. A frame larger
 * than this could not be protected whole: four blocks of at most 255 datagrams. */
static uint32_t protected_frame_bytes(const struct pipeline_params *params)
{
    uint32_t shard = params->stream->packet_size_bytes - 16;
    uint32_t data_shards = 255 * 100 / (100 + params->fec_percent);
    return PIPELINE_MAX_BLOCKS * data_shards * shard;
}

static void keep_text(struct pipeline *p, int slot, const char **text)
{
    if (!*text)
        return;
    snprintf(p->texts[slot], sizeof p->texts[slot], "%s", *text);
    *text = p->texts[slot];
}

static void keep_params(struct pipeline *p, const struct pipeline_params *params)
{
    p->params = *params;
    p->stream = *params->stream;
    p->params.stream = &p->stream;
    memcpy(p->key, params->key, sizeof p->key);
    p->params.key = p->key;
    keep_text(p, 0, &p->params.capture_backend);
    keep_text(p, 1, &p->params.wayland_socket);
    keep_text(p, 2, &p->params.output_name);
    keep_text(p, 3, &p->params.pipewire_dir);
    keep_text(p, 4, &p->params.encoder);
    keep_text(p, 5, &p->params.audio_backend);
}

static int open_rings(struct pipeline *p)
{
    struct lm_wake *wakes[] = {&p->capture_wake, &p->encode_wake, &p->send_wake, &p->audio_wake};
    for (size_t i = 0; i < LM_ARRAY_LEN(wakes); i++)
        if (lm_wake_init(wakes[i]))
            return LM_EIO;
    const struct {
        struct lm_ring *ring;
        size_t element_bytes;
        uint32_t capacity;
    } rings[] = {
        {&p->requests, sizeof(struct loss_request), PIPELINE_REQUESTS},
        {&p->to_send, sizeof(struct coded *), PIPELINE_CODED},
        {&p->to_encode, sizeof(struct coded *), PIPELINE_CODED},
        {&p->video_routes, sizeof(struct lm_udp_route), 16},
        {&p->audio_routes, sizeof(struct lm_udp_route), 16},
        {&p->traces, sizeof(struct pipeline_trace), PIPELINE_TRACE},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rings); i++) {
        int code = lm_ring_init(rings[i].ring, rings[i].element_bytes, rings[i].capacity);
        if (code)
            return code;
    }
    return LM_OK;
}

static int open_coded(struct pipeline *p, uint32_t max_frame_bytes)
{
    for (int i = 0; i < PIPELINE_CODED; i++) {
        struct coded *coded = &p->coded[i];
        /* A slice may take most of a frame: one room of a whole frame for each. The pages of what
         * is never written cost nothing. */
        coded->buffer.slice_capacity = max_frame_bytes;
        coded->buffer.data = malloc((size_t)max_frame_bytes * p->encode->slices);
        if (!coded->buffer.data)
            return LM_ENOMEM;
        LM_CHECK(lm_ring_push(&p->to_encode, &coded));
    }
    return LM_OK;
}

static int open_capture(struct pipeline *p)
{
    const struct capture_params params = {
        .backend = p->params.capture_backend,
        .wayland_socket = p->params.wayland_socket,
        .output_name = p->params.output_name,
        .width = p->stream.width_px,
        .height = p->stream.height_px,
        .refresh_mhz = p->stream.rate_mhz,
        .log = p->params.log,
    };
    return capture_open(&params, &p->capture);
}

static int open_encode(struct pipeline *p, uint32_t max_frame_bytes)
{
    static const enum convert_matrix matrices[] = {CONVERT_BT601, CONVERT_BT709, CONVERT_BT2020};
    const struct stream_params *stream = &p->stream;
    enum convert_matrix matrix = matrices[LM_MIN(stream->color_space, 2)];
    const struct convert_params convert = {
        .width = stream->width_px,
        .height = stream->height_px,
        .matrix = matrix,
        .full_range = stream->full_range,
    };
    int code = convert_open(&convert, &p->convert);
    if (code)
        return code;
    const struct encode_params encode = {
        .backend = p->params.encoder,
        .codec = ENCODE_H264,
        .width = stream->width_px,
        .height = stream->height_px,
        .refresh_mhz = stream->rate_mhz,
        .bitrate_kbps = stream_video_kbps(stream, p->params.fec_percent),
        .max_frame_bytes = max_frame_bytes,
        .slices = LM_CLAMP(stream->slices, p->params.slices, ENCODE_MAX_SLICES),
        .reference_frames = stream->single_reference ? 1 : 0,
        .threads = p->params.encoder_threads,
        .matrix = matrix,
        .full_range = stream->full_range,
        .on_slice = pipeline_on_slice,
        .user = p,
        .log = p->params.log,
    };
    return encode_open(&encode, &p->encode);
}

static int open_sender(struct pipeline *p, uint32_t max_frame_bytes)
{
    struct lm_sender_config config = {
        .packet_size = p->stream.packet_size_bytes,
        .fec_percent = p->params.fec_percent,
        .min_parity = p->stream.min_parity_packets,
        .encrypt = p->stream.encryption & SDP_ENCRYPT_VIDEO,
        .max_frame_bytes = max_frame_bytes,
        .pace_bytes_per_s = p->params.pace_bytes_per_s,
        .burst_bytes = 64 * (p->stream.packet_size_bytes + 48),
    };
    memcpy(config.key, p->params.key, sizeof config.key);
    int code = lm_sender_create(&config, &p->sender);
    explicit_bzero(config.key, sizeof config.key);
    return code;
}

/* A block is padded to whole packets and has at least min_parity packets of its own: with small
 * frames four of them would cost more than leaving early gains. */
static uint32_t choose_blocks(const struct pipeline *p)
{
    uint64_t frame_bytes = (uint64_t)stream_video_kbps(&p->stream, p->params.fec_percent) * 125000 /
                           p->stream.rate_mhz;
    uint32_t packets = (uint32_t)(frame_bytes / (p->stream.packet_size_bytes - 16));
    uint32_t most = LM_MIN(p->encode->slices, (uint32_t)PIPELINE_MAX_BLOCKS);
    return LM_CLAMP(packets / 4, 1u, most);
}

static int start_threads(struct pipeline *p)
{
    const struct {
        struct thread *thread;
        const char *name;
        int nice;
        void (*body)(void *user);
    } threads[] = {
        {&p->send_thread, "lumen-send", -11, pipeline_run_send},
        {&p->encode_thread, "lumen-encode", -10, pipeline_run_encode},
        {&p->capture_thread, "lumen-capture", -10, pipeline_run_capture},
        {&p->audio_thread, "lumen-audio", -11, pipeline_run_audio},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(threads); i++) {
        int code =
            thread_start(threads[i].thread, threads[i].name, threads[i].nice, threads[i].body, p);
        if (code)
            return code;
    }
    return LM_OK;
}

int pipeline_create(const struct pipeline_params *params, struct pipeline **out)
{
    *out = NULL;
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return LM_ENOMEM;
    p->capture_wake.fd = p->encode_wake.fd = p->send_wake.fd = p->audio_wake.fd = -1;
    keep_params(p, params);
    cadence_init(&p->cadence, p->stream.rate_mhz);
    p->encode_frame = 1;
    uint32_t max_frame_bytes = protected_frame_bytes(params);
    const char *what = "memory";
    int code = open_rings(p);
    if (!code && (what = "capture", code = open_capture(p)) == LM_OK &&
        (what = "encoder", code = open_encode(p, max_frame_bytes)) == LM_OK &&
        (what = "memory", code = open_coded(p, max_frame_bytes)) == LM_OK &&
        (what = "sender", code = open_sender(p, max_frame_bytes)) == LM_OK) {
        p->blocks = choose_blocks(p);
        what = "threads";
        code = start_threads(p);
    }
    if (code) {
        lm_error(params->log, "stream", "the stream cannot start (%s): %s", what,
                 lm_err_text(code));
        pipeline_destroy(p);
        return code;
    }
    *out = p;
    return LM_OK;
}

static void join_threads(struct pipeline *p)
{
    atomic_store_explicit(&p->stopping, true, memory_order_release);
    struct lm_wake *wakes[] = {&p->capture_wake, &p->encode_wake, &p->send_wake, &p->audio_wake};
    for (size_t i = 0; i < LM_ARRAY_LEN(wakes); i++)
        if (wakes[i]->fd >= 0)
            lm_wake_signal(wakes[i]);
    thread_join(&p->capture_thread);
    thread_join(&p->encode_thread);
    thread_join(&p->send_thread);
    thread_join(&p->audio_thread);
}

void pipeline_destroy(struct pipeline *p)
{
    if (!p)
        return;
    join_threads(p);
    lm_sender_destroy(p->sender);
    encode_close(p->encode);
    convert_close(p->convert);
    capture_close(p->capture);
    for (int i = 0; i < PIPELINE_CODED; i++)
        free(p->coded[i].buffer.data);
    struct lm_ring *rings[] = {&p->requests,     &p->to_send,      &p->to_encode,
                               &p->video_routes, &p->audio_routes, &p->traces};
    for (size_t i = 0; i < LM_ARRAY_LEN(rings); i++)
        lm_ring_finish(rings[i]);
    lm_wake_finish(&p->capture_wake);
    lm_wake_finish(&p->encode_wake);
    lm_wake_finish(&p->send_wake);
    lm_wake_finish(&p->audio_wake);
    explicit_bzero(p->key, sizeof p->key);
    free(p);
}

void pipeline_start(struct pipeline *p)
{
    atomic_store_explicit(&p->started, true, memory_order_release);
    lm_wake_signal(&p->encode_wake);
}

void pipeline_set_video_route(struct pipeline *p, const struct lm_udp_route *route)
{
    if (lm_ring_push(&p->video_routes, route)) /* full: sixteen moves in one tick; the next ping */
        lm_wake_signal(&p->send_wake);
}

void pipeline_set_audio_route(struct pipeline *p, const struct lm_udp_route *route)
{
    if (lm_ring_push(&p->audio_routes, route))
        lm_wake_signal(&p->audio_wake);
}

void pipeline_request_key(struct pipeline *p)
{
    atomic_store_explicit(&p->key_wanted, true, memory_order_release);
    lm_wake_signal(&p->encode_wake);
}

void pipeline_invalidate(struct pipeline *p, uint32_t first_frame, uint32_t last_frame)
{
    const struct loss_request r = {first_frame, last_frame};
    if (!lm_ring_push(&p->requests, &r))
        atomic_store_explicit(&p->key_wanted, true, memory_order_release);
    lm_wake_signal(&p->encode_wake);
}

void pipeline_note_fec_status(struct pipeline *p, const struct lm_gs_fec_status *status)
{
    uint32_t received = status->received_data + (uint32_t)status->received_parity;
    bool repaired = received >= status->data_packets;
    PIPELINE_COUNT(p, client_blocks_repaired, repaired);
    PIPELINE_COUNT(p, client_blocks_lost, !repaired);
    if (status->data_packets > status->received_data)
        PIPELINE_COUNT(p, client_packets_missing,
                       (uint64_t)status->data_packets - status->received_data);
}

void pipeline_note_losses(struct pipeline *p, uint32_t lost_packets)
{
    PIPELINE_COUNT(p, client_packets_missing, lost_packets);
}

void pipeline_get_stats(const struct pipeline *p, struct pipeline_stats *out)
{
#define GET(name) out->name = atomic_load_explicit(&p->count.name, memory_order_relaxed)
    GET(images_captured);
    GET(images_skipped);
    GET(frames);
    GET(key_frames);
    GET(recovery_frames);
    GET(repeated_frames);
    GET(frames_dropped);
    GET(blocks_unprotected);
    GET(blocks_underprotected);
    GET(video_datagrams);
    GET(video_bytes);
    GET(audio_datagrams);
    GET(encode_ns);
    GET(convert_ns);
    GET(client_blocks_repaired);
    GET(client_blocks_lost);
    GET(client_packets_missing);
#undef GET
}

bool pipeline_pop_trace(struct pipeline *p, struct pipeline_trace *out)
{
    return lm_ring_pop(&p->traces, out);
}

void pipeline_fail(struct pipeline *p, const char *what, int code)
{
    if (pipeline_stopping(p))
        return;
    lm_error(p->params.log, "stream", "%s: %s", what, lm_err_text(code));
    if (p->params.on_event)
        p->params.on_event(p->params.user, PIPELINE_EVENT_FAILED);
}

void pipeline_sleep(struct lm_wake *wake, int fd, short events, uint64_t until_ns)
{
    struct pollfd fds[2] = {{.fd = wake->fd, .events = POLLIN}, {.fd = fd, .events = events}};
    struct timespec wait, *timeout = NULL;
    if (until_ns != LM_TIME_MAX) {
        uint64_t now = lm_clock_now_ns();
        uint64_t left = until_ns > now ? until_ns - now : 0;
        wait = (struct timespec){.tv_sec = (time_t)(left / LM_NS_PER_S),
                                 .tv_nsec = (long)(left % LM_NS_PER_S)};
        timeout = &wait;
    }
    ppoll(fds, fd >= 0 ? 2 : 1, timeout, NULL);
}
