#include "client/listener.h"

#include "client/ping.h"
#include "core/base/check.h"
#include "core/base/wake.h"
#include "core/transport/clock.h"
#include "media/opus.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGES = 16, BUFFER_BYTES = 256 * 1024 };

struct listener {
    struct listener_params params;
    struct lm_udp *udp;
    struct lm_audio_receiver *receiver;
    struct opus_dec *opus;
    struct lm_wake wake;
    struct ping ping;
    uint32_t frame_samples;
    float samples[OPUS_FRAME_MAX_SAMPLES * SDP_MAX_CHANNELS];
    struct listener_results results;
    _Atomic bool stop;
    bool running;
    pthread_t thread;
};

static int open_parts(struct listener *l)
{
    const struct listener_params *p = &l->params;
    struct lm_udp_config socket = {
        .receive_buffer_bytes = BUFFER_BYTES, .receive_messages = MESSAGES, .priority = 6};
    struct lm_audio_receiver_config config = {
        .encrypted = p->encrypted, .rikeyid = p->key_id, .packet_duration_ms = p->packet_ms};
    memcpy(config.key, p->key, sizeof config.key);
    int result = lm_audio_receiver_create(&config, &l->receiver);
    explicit_bzero(config.key, sizeof config.key);
    if (result == LM_OK)
        result = opus_dec_create(&p->layout, l->frame_samples, &l->opus);
    if (result == LM_OK)
        result = ping_init(&l->ping, &p->host, p->port, p->ping);
    if (result == LM_OK)
        result = lm_wake_init(&l->wake);
    if (result == LM_OK)
        result = lm_udp_open(&socket, &l->udp);
    return result;
}

int listener_create(const struct listener_params *params, struct listener **out)
{
    *out = NULL;
    struct listener *l = calloc(1, sizeof *l);
    if (!l)
        return LM_ENOMEM;
    l->params = *params;
    l->frame_samples = params->packet_ms * OPUS_RATE_HZ / 1000;
    l->wake.fd = -1;
    int result = open_parts(l);
    if (result == LM_OK)
        *out = l;
    else
        listener_destroy(l);
    return result;
}

void listener_destroy(struct listener *l)
{
    if (!l)
        return;
    lm_udp_close(l->udp);
    if (l->wake.fd >= 0)
        lm_wake_finish(&l->wake);
    opus_dec_destroy(l->opus);
    lm_audio_receiver_destroy(l->receiver);
    explicit_bzero(l->params.key, sizeof l->params.key);
    free(l);
}

static void play(struct listener *l, const struct lm_audio_packet *packet)
{
    int count = opus_dec_push(l->opus, packet->data, (uint32_t)packet->size_bytes, l->samples);
    if (count < 0 && packet->data) {
        l->results.undecodable++;
        count = opus_dec_push(l->opus, NULL, 0, l->samples);
    }
    if (count < 0)
        return;
    sound_push(l->params.sound, l->samples);
    stats_tone_add(&l->results.tone, l->samples, l->params.layout.channels, (uint32_t)count);
}

static void push_message(struct listener *l, const struct lm_udp_message *m, uint64_t now_ns)
{
    if (!lm_address_same_host(&m->from, &l->ping.route.to))
        return;
    for (size_t at = 0; m->segment_bytes && at < m->size_bytes; at += m->segment_bytes)
        lm_audio_receiver_push(l->receiver, m->data + at,
                               LM_MIN(m->segment_bytes, m->size_bytes - at), now_ns);
}

static void wait_for_work(struct listener *l, uint64_t now_ns)
{
    struct pollfd ready[] = {{.fd = lm_udp_fd(l->udp), .events = POLLIN},
                             {.fd = l->wake.fd, .events = POLLIN}};
    uint64_t until_ns = LM_MIN(l->ping.next_ns, lm_audio_receiver_wake_at(l->receiver));
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / LM_NS_PER_S),
                            .tv_nsec = (long)(wait_ns % LM_NS_PER_S)};
    if (ppoll(ready, LM_ARRAY_LEN(ready), &wait, NULL) > 0 && ready[1].revents)
        lm_wake_clear(&l->wake);
}

static void *run(void *user)
{
    struct listener *l = user;
    pthread_setname_np(pthread_self(), "sound");
    while (!atomic_load(&l->stop)) {
        struct lm_udp_message messages[MESSAGES];
        struct lm_audio_packet packet;
        uint64_t now_ns = lm_clock_now_ns();
        ping_send_due(&l->ping, l->udp, now_ns);
        int count = lm_udp_receive(l->udp, messages, MESSAGES);
        for (int i = 0; i < count; i++)
            push_message(l, &messages[i], now_ns);
        while (lm_audio_receiver_pop(l->receiver, now_ns, &packet) == 1)
            play(l, &packet);
        wait_for_work(l, now_ns);
    }
    return NULL;
}

int listener_start(struct listener *l)
{
    l->running = pthread_create(&l->thread, NULL, run, l) == 0;
    return l->running ? LM_OK : LM_EIO;
}

void listener_stop(struct listener *l)
{
    if (!l || !l->running)
        return;
    atomic_store(&l->stop, true);
    lm_wake_signal(&l->wake);
    pthread_join(l->thread, NULL);
    l->running = false;
    lm_audio_receiver_get_stats(l->receiver, &l->results.stats);
}

const struct listener_results *listener_results(const struct listener *l)
{
    return &l->results;
}
