/* What plays on a PipeWire sink. The capture stream is passive: it does not keep the sink running,
 * so while nobody plays nothing wakes; once somebody does, it runs in the same cycles as the sink.
 * PipeWire's data thread fills a ring, the session's audio thread empties it. */
#include "core/base/check.h"
#include "core/base/wake.h"
#include "host/audio/backends.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>

enum {
    RING_FRAMES = 8192,               /* sample frames, a power of two: 170 ms */
    KEPT_FRAMES = AUDIO_RATE_HZ / 25, /* 40 ms: what is older is dropped */
};

#define SINK_NAME    "lumen-sink"
#define NODE_LATENCY "240/48000"

struct pipewire {
    struct audio audio;
    const struct lm_log *log;
    struct lm_wake wake;
    struct pw_thread_loop *loop;
    struct pw_context *context;
    struct pw_core *core;
    struct pw_stream *stream;
    struct spa_hook core_listener, stream_listener;
    float *ring;                        /* RING_FRAMES times channels */
    _Alignas(64) _Atomic uint32_t head; /* sample frames read */
    _Alignas(64) _Atomic uint32_t tail; /* sample frames written */
    _Atomic bool overrun, gone;
};

static struct pipewire *pipewire_of(struct audio *audio)
{
    LM_CHECK(audio->ops == &audio_pipewire);
    return LM_CONTAINER_OF(audio, struct pipewire, audio);
}

static void push(struct pipewire *p, const float *samples, uint32_t frames)
{
    uint32_t channels = p->audio.channels;
    uint32_t tail = atomic_load_explicit(&p->tail, memory_order_relaxed);
    uint32_t used = tail - atomic_load_explicit(&p->head, memory_order_acquire);
    if (frames > RING_FRAMES - used) {
        atomic_store(&p->overrun, true); /* the reader throws the old ones away */
        return;
    }
    uint32_t at = tail % RING_FRAMES, first = LM_MIN(frames, RING_FRAMES - at);
    memcpy(p->ring + (size_t)at * channels, samples, (size_t)first * channels * sizeof *samples);
    memcpy(p->ring, samples + (size_t)first * channels,
           (size_t)(frames - first) * channels * sizeof *samples);
    atomic_store_explicit(&p->tail, tail + frames, memory_order_release);
    if (used + frames >= p->audio.frame_samples)
        lm_wake_signal(&p->wake);
}

/* On PipeWire's data thread. */
static void on_process(void *user)
{
    struct pipewire *p = user;
    struct pw_buffer *buffer;
    while ((buffer = pw_stream_dequeue_buffer(p->stream)) != NULL) {
        const struct spa_data *data = &buffer->buffer->datas[0];
        uint32_t frame_bytes = p->audio.channels * (uint32_t)sizeof(float);
        uint32_t offset = LM_MIN(data->chunk->offset, data->maxsize);
        uint32_t size = LM_MIN(data->chunk->size, data->maxsize - offset);
        if (data->data && offset % sizeof(float) == 0)
            push(p, (const float *)(const void *)((const char *)data->data + offset),
                 size / frame_bytes);
        pw_stream_queue_buffer(p->stream, buffer);
    }
}

static void set_gone(struct pipewire *p)
{
    atomic_store(&p->gone, true);
    lm_wake_signal(&p->wake);
}

static void on_state(void *user, enum pw_stream_state before, enum pw_stream_state now,
                     const char *error)
{
    struct pipewire *p = user;
    lm_debug(p->log, "audio", "capture is %s", pw_stream_state_as_string(now));
    if (now == PW_STREAM_STATE_ERROR ||
        (now == PW_STREAM_STATE_UNCONNECTED && before != PW_STREAM_STATE_UNCONNECTED)) {
        lm_warn(p->log, "audio", "PipeWire ended the capture: %s", error ? error : "no reason");
        set_gone(p);
    }
}

static const struct pw_stream_events stream_events = {
    PW_VERSION_STREAM_EVENTS,
    .state_changed = on_state,
    .process = on_process,
};

static void on_core_error(void *user, uint32_t id, int seq, int result, const char *message)
{
    struct pipewire *p = user;
    if (id == PW_ID_CORE)
        set_gone(p);
}

static const struct pw_core_events core_events = {PW_VERSION_CORE_EVENTS, .error = on_core_error};

static void init_library(void)
{
    pw_init(NULL, NULL);
    pw_log_set_level(SPA_LOG_LEVEL_ERROR); /* it would warn of missing real-time rights */
}

static void pipewire_close(struct audio *audio)
{
    struct pipewire *p = pipewire_of(audio);
    if (p->loop)
        pw_thread_loop_stop(p->loop);
    if (p->stream) {
        spa_hook_remove(&p->stream_listener); /* our own end is no event */
        pw_stream_destroy(p->stream);
    }
    if (p->core) {
        spa_hook_remove(&p->core_listener);
        pw_core_disconnect(p->core);
    }
    if (p->context)
        pw_context_destroy(p->context);
    if (p->loop)
        pw_thread_loop_destroy(p->loop);
    lm_wake_finish(&p->wake);
    free(p->ring);
    free(p);
}

/* A session's server is reached through its socket's path, everybody's through the environment. */
static int connect_core(struct pipewire *p, const char *pipewire_dir)
{
    char path[128];
    struct pw_properties *props = NULL;
    p->loop = pw_thread_loop_new("audio-pipewire", NULL);
    if (!p->loop)
        return LM_ENOMEM;
    p->context = pw_context_new(pw_thread_loop_get_loop(p->loop),
                                pw_properties_new(PW_KEY_CONFIG_NAME, "client-rt.conf", NULL), 0);
    if (!p->context)
        return LM_EDEVICE;
    if (pipewire_dir) {
        int length = snprintf(path, sizeof path, "%s/pipewire-0", pipewire_dir);
        if (length < 0 || (size_t)length >= sizeof path)
            return LM_ELIMIT;
        props = pw_properties_new(PW_KEY_REMOTE_NAME, path, NULL);
    }
    p->core = pw_context_connect(p->context, props, 0);
    if (!p->core)
        return LM_EDEVICE;
    pw_core_add_listener(p->core, &p->core_listener, &core_events, p);
    return LM_OK;
}

static struct spa_audio_info_raw format_of(uint32_t channels)
{
    static const uint32_t order[AUDIO_MAX_CHANNELS] = {
        SPA_AUDIO_CHANNEL_FL, SPA_AUDIO_CHANNEL_FR, SPA_AUDIO_CHANNEL_FC, SPA_AUDIO_CHANNEL_LFE,
        SPA_AUDIO_CHANNEL_RL, SPA_AUDIO_CHANNEL_RR, SPA_AUDIO_CHANNEL_SL, SPA_AUDIO_CHANNEL_SR};
    struct spa_audio_info_raw info = {
        .format = SPA_AUDIO_FORMAT_F32, .rate = AUDIO_RATE_HZ, .channels = channels};
    memcpy(info.position, order, channels * sizeof order[0]);
    return info;
}

static int connect_stream(struct pipewire *p, bool own_server)
{
    struct pw_properties *props = pw_properties_new(
        PW_KEY_MEDIA_TYPE, "Audio", PW_KEY_MEDIA_CATEGORY, "Capture", PW_KEY_MEDIA_ROLE, "Screen",
        PW_KEY_NODE_NAME, "lumen-capture", PW_KEY_STREAM_CAPTURE_SINK, "true", PW_KEY_NODE_LATENCY,
        NODE_LATENCY, PW_KEY_NODE_PASSIVE, "true", NULL);
    if (!props)
        return LM_ENOMEM;
    if (own_server)
        pw_properties_set(props, PW_KEY_TARGET_OBJECT, SINK_NAME);
    p->stream = pw_stream_new(p->core, "lumen-capture", props);
    if (!p->stream)
        return LM_EDEVICE;
    pw_stream_add_listener(p->stream, &p->stream_listener, &stream_events, p);
    uint8_t pod[1024];
    struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(pod, sizeof pod);
    struct spa_audio_info_raw info = format_of(p->audio.channels);
    const struct spa_pod *param = spa_format_audio_raw_build(&builder, SPA_PARAM_EnumFormat, &info);
    int result = pw_stream_connect(p->stream, PW_DIRECTION_INPUT, PW_ID_ANY,
                                   PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS |
                                       PW_STREAM_FLAG_RT_PROCESS,
                                   &param, 1);
    return result < 0 ? LM_EDEVICE : LM_OK;
}

static int pipewire_open(const struct audio_params *params, struct audio **out)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_library);
    struct pipewire *p = aligned_alloc(_Alignof(struct pipewire), sizeof *p);
    if (!p)
        return LM_ENOMEM;
    *p = (struct pipewire){.log = params->log, .wake = {-1}};
    p->audio = (struct audio){&audio_pipewire, -1, params->channels, params->frame_samples};
    p->ring = calloc((size_t)RING_FRAMES * params->channels, sizeof(float));
    int result = p->ring ? lm_wake_init(&p->wake) : LM_ENOMEM;
    p->audio.fd = p->wake.fd;
    if (result == LM_OK)
        result = connect_core(p, params->pipewire_dir);
    if (result == LM_OK)
        result = connect_stream(p, params->pipewire_dir != NULL);
    if (result == LM_OK && pw_thread_loop_start(p->loop) < 0)
        result = LM_EIO;
    if (result < 0) {
        pipewire_close(&p->audio);
        return result;
    }
    *out = &p->audio;
    return LM_OK;
}

/* Sample frames that may be read now, after dropping what is too old. */
static uint32_t available(struct pipewire *p)
{
    uint32_t head = atomic_load_explicit(&p->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&p->tail, memory_order_acquire);
    uint32_t kept = atomic_exchange(&p->overrun, false) ? 0 : KEPT_FRAMES;
    if (tail - head > kept) {
        head = tail - kept;
        atomic_store_explicit(&p->head, head, memory_order_release);
    }
    return tail - head;
}

static int pipewire_read(struct audio *audio, float *samples)
{
    struct pipewire *p = pipewire_of(audio);
    uint32_t frames = audio->frame_samples;
    if (available(p) < frames) {
        lm_wake_clear(&p->wake);
        if (atomic_load(&p->gone)) {
            lm_wake_signal(&p->wake);
            return LM_EDEVICE;
        }
        if (available(p) < frames)
            return LM_EAGAIN;
    }
    uint32_t head = atomic_load_explicit(&p->head, memory_order_relaxed);
    uint32_t at = head % RING_FRAMES, first = LM_MIN(frames, RING_FRAMES - at);
    size_t channels = audio->channels;
    memcpy(samples, p->ring + at * channels, first * channels * sizeof *samples);
    memcpy(samples + first * channels, p->ring, (frames - first) * channels * sizeof *samples);
    atomic_store_explicit(&p->head, head + frames, memory_order_release);
    return LM_OK;
}

const struct audio_ops audio_pipewire = {
    .name = "pipewire",
    .open = pipewire_open,
    .read = pipewire_read,
    .close = pipewire_close,
};
