#include "client/pipeline.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "media/opus.h"

#include <stdlib.h>
#include <string.h>

enum {
    MIN_FRAME_BYTES = 1 << 20,
    MAX_FRAME_BYTES = 8 << 20,
    KEY_FRAME_FACTOR = 16, /* a key frame may be so much larger than the mean */
};

static const uint64_t connect_limit_ns = 10 * LM_NS_PER_S;

/* A frame larger than this is given up; memory is taken for a few of them. */
static uint32_t max_frame_bytes(const struct stream_params *s)
{
    uint64_t mean = (uint64_t)s->configured_kbps * 125 * 1000 / LM_MAX(s->rate_mhz, 1000);
    uint64_t wanted = LM_CLAMP(mean * KEY_FRAME_FACTOR, MIN_FRAME_BYTES, MAX_FRAME_BYTES);
    uint64_t possible =
        (uint64_t)LM_GSV_MAX_FRAME_SHARDS * (s->packet_size_bytes - LM_GSV_NV_BYTES);
    return (uint32_t)LM_MIN(wanted, possible);
}

static int create_channel(struct pipeline *p, const struct connect_stream *s)
{
    struct channel_params params = {.host = s->host,
                                    .connect_data = s->connect_data,
                                    .v2 = s->control_v2,
                                    .ending = &p->ending};
    params.host.port = s->control_port;
    memcpy(params.key, s->key, sizeof params.key);
    return channel_create(&params, &p->channel);
}

static int create_receive(struct pipeline *p, const struct pipeline_params *pp)
{
    const struct connect_stream *s = pp->stream;
    struct receive_params params = {
        .host = s->host,
        .port = s->video_port,
        .packet_size = s->params.packet_size_bytes,
        .max_frame_bytes = max_frame_bytes(&s->params),
        .rate_mhz = s->params.rate_mhz,
        .encrypted = s->params.encryption & SDP_ENCRYPT_VIDEO,
        .can_invalidate = s->can_invalidate,
        .fec_status = pp->fec_status,
        .ending = &p->ending,
        .channel = p->channel,
    };
    memcpy(params.ping, s->video_ping, sizeof params.ping);
    memcpy(params.key, s->key, sizeof params.key);
    return receive_create(&params, &p->receive);
}

static int create_viewer(struct pipeline *p, const struct pipeline_params *pp)
{
    const struct stream_params *s = &pp->stream->params;
    struct viewer_params params = {
        .decode = {.codec = DECODE_H264, .width = s->width_px, .height = s->height_px},
        .max_frame_bytes = max_frame_bytes(s),
        .read_stamps = pp->read_stamps,
        .ending = &p->ending,
        .receive = receive_wake(p->receive),
        .picture = pp->picture,
        .user = pp->user,
    };
    return viewer_create(&params, &p->viewer);
}

static int create_sound(struct pipeline *p, const struct pipeline_params *pp)
{
    const struct connect_stream *s = pp->stream;
    struct sound_params params = {.backend = pp->sound_backend,
                                  .rate_hz = OPUS_RATE_HZ,
                                  .channels = s->layout.channels,
                                  .frame_samples = s->params.packet_ms * OPUS_RATE_HZ / 1000};
    int result = sound_open(&params, &p->sound);
    if (result != LM_EDEVICE)
        return result;
    params.backend = "null"; /* a machine without sound still shows the picture */
    return sound_open(&params, &p->sound);
}

static int create_listener(struct pipeline *p, const struct connect_stream *s)
{
    struct listener_params params = {.host = s->host,
                                     .port = s->audio_port,
                                     .encrypted = s->params.encryption & SDP_ENCRYPT_AUDIO,
                                     .key_id = s->key_id,
                                     .layout = s->layout,
                                     .packet_ms = s->params.packet_ms,
                                     .sound = p->sound};
    memcpy(params.ping, s->audio_ping, sizeof params.ping);
    memcpy(params.key, s->key, sizeof params.key);
    return listener_create(&params, &p->listener);
}

int pipeline_create(const struct pipeline_params *params, struct pipeline **out,
                    struct failure *failure)
{
    *out = NULL;
    struct pipeline *p = calloc(1, sizeof *p);
    if (!p)
        return failure_set(failure, FAILURE_OTHER, "no memory");
    p->ending.wake.fd = -1;
    const char *what = "the main thread's wake";
    int result = ending_init(&p->ending);
    if (result == LM_OK)
        what = "sound", result = create_sound(p, params);
    if (result == LM_OK)
        what = "the sound socket", result = create_listener(p, params->stream);
    if (result == LM_OK)
        what = "the control channel", result = create_channel(p, params->stream);
    if (result == LM_OK)
        what = "the video socket", result = create_receive(p, params);
    if (result == LM_OK)
        what = "the video decoder", result = create_viewer(p, params);
    if (result == LM_OK) {
        *out = p;
        return LM_OK;
    }
    pipeline_destroy(p);
    return failure_set(failure, FAILURE_OTHER, "cannot open %s: %s", what, lm_err_text(result));
}

int pipeline_start(struct pipeline *p, struct failure *failure)
{
    /* Sound first: some hosts want its ping before anything else. */
    int result = listener_start(p->listener);
    if (result == LM_OK)
        result = viewer_start(p->viewer);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "cannot start threads: %s", lm_err_text(result));
    result = channel_connect(p->channel, lm_clock_now_ns() + connect_limit_ns);
    if (result < 0)
        return failure_set(failure, FAILURE_UNREACHABLE,
                           "host not reachable: control channel: %s; is UDP port 47999 open?",
                           lm_err_text(result));
    result = channel_start(p->channel);
    if (result == LM_OK)
        result = receive_start(p->receive, p->viewer);
    if (result < 0)
        return failure_set(failure, FAILURE_OTHER, "cannot start threads: %s", lm_err_text(result));
    return LM_OK;
}

void pipeline_stop(struct pipeline *p, bool graceful)
{
    receive_stop(p->receive);
    channel_stop(p->channel, graceful);
    viewer_stop(p->viewer);
    listener_stop(p->listener);
}

void pipeline_destroy(struct pipeline *p)
{
    if (!p)
        return;
    pipeline_stop(p, false);
    viewer_destroy(p->viewer);
    receive_destroy(p->receive);
    channel_destroy(p->channel);
    listener_destroy(p->listener);
    sound_close(p->sound);
    if (p->ending.wake.fd >= 0)
        ending_finish(&p->ending);
    free(p);
}
