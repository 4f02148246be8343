/* The audio thread: frames of samples into Opus packets and onto the network. While nothing plays,
 * a block of silence a second keeps the stream alive and nothing else happens. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/pipeline_parts.h"
#include "media/opus.h"

#include <poll.h>
#include <string.h>

#define RETRY_NS      LM_NS_PER_S /* until the desktop's sound server is up, or up again */
#define KEEP_ALIVE_NS LM_NS_PER_S
#define TAIL_NS       (100 * LM_NS_PER_MS) /* of silence after the last sound, then quiet */

struct audio_stage {
    struct pipeline *p;
    struct audio *audio; /* NULL while there is no sound server */
    struct opus_enc *encoder;
    struct lm_audio_sender *sender;
    struct lm_udp_route route;
    bool routed;
    uint32_t in_block; /* packets of the parity block so far, 0..3 */
    uint64_t frame_ns, retry_ns, last_sound_ns, silence_ns;
    float samples[OPUS_FRAME_MAX_SAMPLES * SDP_MAX_CHANNELS];
    uint8_t packet[OPUS_PACKET_MAX_BYTES];
};

static int stage_init(struct audio_stage *a, struct pipeline *p)
{
    const struct stream_params *stream = &p->stream;
    struct opus_enc_params opus = {
        .bitrate_bps = sdp_opus_bps(stream->audio_channels, stream->high_quality_audio),
        .frame_samples = stream->packet_ms * (OPUS_RATE_HZ / 1000),
    };
    int code = sdp_layout_of(stream->audio_channels, stream->high_quality_audio, &opus.layout);
    if (code)
        return code;
    code = opus_enc_create(&opus, &a->encoder);
    if (code)
        return code;
    struct lm_audio_sender_config config = {
        .packet_duration_ms = stream->packet_ms,
        .fec = true,
        .encrypt = stream->encryption & SDP_ENCRYPT_AUDIO,
        .rikeyid = p->params.key_id,
    };
    memcpy(config.key, p->params.key, sizeof config.key);
    code = lm_audio_sender_create(&config, &a->sender);
    explicit_bzero(config.key, sizeof config.key);
    a->p = p;
    a->frame_ns = stream->packet_ms * LM_NS_PER_MS;
    return code;
}

static void stage_finish(struct audio_stage *a)
{
    audio_close(a->audio);
    lm_audio_sender_destroy(a->sender);
    opus_enc_destroy(a->encoder);
}

static void open_audio(struct audio_stage *a, uint64_t now)
{
    struct pipeline *p = a->p;
    if (!p->params.sound || a->audio || now < a->retry_ns)
        return;
    const struct audio_params params = {
        .backend = p->params.audio_backend,
        .pipewire_dir = p->params.pipewire_dir,
        .channels = p->stream.audio_channels,
        .frame_samples = p->stream.packet_ms * (OPUS_RATE_HZ / 1000),
        .log = p->params.log,
    };
    if (audio_open(&params, &a->audio))
        a->audio = NULL;
    a->retry_ns = now + RETRY_NS;
}

/* Audio is small and regular: when the socket is full the datagram is lost, as on the way. */
static void send_all(struct audio_stage *a)
{
    struct lm_batch batch;
    while (lm_audio_sender_pull(a->sender, &batch)) {
        if (a->routed) {
            int sent = lm_udp_send_batch(a->p->params.audio_socket, &a->route, &batch);
            if (sent > 0)
                PIPELINE_COUNT(a->p, audio_datagrams, (uint64_t)sent);
        }
        lm_audio_sender_done(a->sender, batch.segments);
    }
}

static void send_frame(struct audio_stage *a, uint64_t now)
{
    int size = opus_enc_push(a->encoder, a->samples, a->packet, sizeof a->packet);
    if (size <= 0 || lm_audio_sender_push(a->sender, a->packet, (size_t)size, now))
        return;
    a->in_block = (a->in_block + 1) % 4;
    send_all(a);
}

static void send_silence(struct audio_stage *a, uint64_t now)
{
    memset(a->samples, 0, sizeof a->samples);
    send_frame(a, now);
    a->silence_ns = now;
}

static bool is_silent(const struct audio_stage *a)
{
    size_t count =
        (size_t)a->p->stream.packet_ms * (OPUS_RATE_HZ / 1000) * a->p->stream.audio_channels;
    for (size_t i = 0; i < count; i++)
        if (a->samples[i] > 1e-6f || a->samples[i] < -1e-6f)
            return false;
    return true;
}

/* Frames that the desktop made. A server that plays zeros is as quiet as one that plays nothing. */
static void send_captured(struct audio_stage *a, uint64_t now)
{
    int code = LM_EAGAIN;
    while (a->audio && (code = audio_read(a->audio, a->samples)) == LM_OK) {
        if (!is_silent(a))
            a->last_sound_ns = now;
        if (a->p->params.continuous_audio || now - a->last_sound_ns <= TAIL_NS || a->in_block) {
            send_frame(a, now);
            a->silence_ns = now;
        }
    }
    if (a->audio && code != LM_EAGAIN) {
        audio_close(a->audio);
        a->audio = NULL;
        a->retry_ns = now + RETRY_NS;
    }
}

/* Silence when nothing was captured: the rest of a parity block at once, then a block a second, or
 * packet after packet for a client that asked for it. */
static void send_quiet(struct audio_stage *a, uint64_t now)
{
    if (a->p->params.continuous_audio) {
        if (now >= a->silence_ns + 4 * a->frame_ns) /* the desktop has stopped delivering */
            for (int i = 0; i < 4; i++)
                send_silence(a, now);
    } else if (now >= a->silence_ns + KEEP_ALIVE_NS ||
               (a->in_block && now >= a->silence_ns + 2 * a->frame_ns)) {
        do
            send_silence(a, now);
        while (a->in_block);
    }
}

static uint64_t next_time(const struct audio_stage *a)
{
    uint64_t at = a->silence_ns + KEEP_ALIVE_NS;
    if (a->p->params.continuous_audio)
        at = a->silence_ns + 4 * a->frame_ns;
    else if (a->in_block)
        at = a->silence_ns + 2 * a->frame_ns;
    if (a->p->params.sound && !a->audio)
        at = LM_MIN(at, a->retry_ns);
    return at;
}

void pipeline_run_audio(void *pipeline)
{
    struct pipeline *p = pipeline;
    struct audio_stage a = {0};
    int code = stage_init(&a, p);
    if (code)
        lm_warn(p->params.log, "sound", "no sound in this stream: %s", lm_err_text(code));
    while (!code && !pipeline_stopping(p)) {
        lm_wake_clear(&p->audio_wake);
        uint64_t now = lm_clock_now_ns();
        a.routed |= lm_ring_pop(&p->audio_routes, &a.route);
        open_audio(&a, now);
        send_captured(&a, now);
        send_quiet(&a, now);
        pipeline_sleep(&p->audio_wake, a.audio ? a.audio->fd : -1, POLLIN, next_time(&a));
    }
    stage_finish(&a);
}
