#include "client/channel.h"

#include "core/base/check.h"
#include "core/base/ring.h"
#include "core/transport/clock.h"
#include "net/control_client.h"
#include "session/control.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    MEDIA_RING = 64,
    INPUT_RING = 512,
    STATUS_PER_PERIOD = 8, /* FEC status messages per ping period, as stock clients limit them */
};

static const uint64_t ping_ns = 100 * LM_NS_PER_MS, goodbye_ns = 2 * LM_NS_PER_S;

struct channel {
    struct channel_params params;
    struct control_client *client;
    struct control *control;
    struct lm_ring media, input;
    uint64_t next_ping_ns;
    uint32_t statuses; /* sent in this ping period */
    _Atomic uint32_t rtt_ms;
    _Atomic bool stop;
    bool graceful;
    bool running;
    pthread_t thread;
};

static void received(void *user, uint8_t number, const uint8_t *data, size_t size_bytes)
{
    struct channel *c = user;
    struct lm_gs_host_message message;
    /* What is not authentic or not known is dropped, as it should be. */
    if (control_read_host(c->control, data, size_bytes, &message) < 0)
        return;
    if (message.kind == LM_GS_HOST_TERMINATION)
        ending_set(c->params.ending, ENDING_HOST, message.reason);
}

int channel_create(const struct channel_params *params, struct channel **out)
{
    *out = NULL;
    struct channel *c = calloc(1, sizeof *c);
    if (!c)
        return LM_ENOMEM;
    c->params = *params;
    struct control_client_params client = {.host = params->host,
                                           .connect_data = params->connect_data,
                                           .received = received,
                                           .user = c};
    int result = lm_ring_init(&c->media, sizeof(struct lm_gs_client_message), MEDIA_RING);
    if (result == LM_OK)
        result = lm_ring_init(&c->input, sizeof(struct lm_gs_input_event), INPUT_RING);
    if (result == LM_OK)
        result = control_create(&c->control, CONTROL_CLIENT,
                                params->v2 ? CONTROL_IV_V2 : CONTROL_IV_LEGACY, params->key);
    if (result == LM_OK)
        result = control_client_create(&c->client, &client);
    if (result == LM_OK)
        *out = c;
    else
        channel_destroy(c);
    return result;
}

void channel_destroy(struct channel *c)
{
    if (!c)
        return;
    control_client_destroy(c->client);
    control_destroy(c->control);
    lm_ring_finish(&c->input);
    lm_ring_finish(&c->media);
    explicit_bzero(c->params.key, sizeof c->params.key);
    free(c);
}

static int send_message(struct channel *c, const struct lm_gs_client_message *message)
{
    uint8_t packet[LM_GS_ENVELOPE_MAX_BYTES];
    int size = control_write_client(c->control, message, packet, sizeof packet);
    if (size < 0)
        return size;
    enum control_delivery delivery = CONTROL_RELIABLE;
    if (message->kind == LM_GS_CLIENT_FEC_STATUS)
        delivery = CONTROL_UNSEQUENCED;
    else if (!lm_gs_client_message_reliable(message))
        delivery = CONTROL_UNRELIABLE;
    return control_client_send(c->client, lm_gs_client_message_channel(message), packet,
                               (size_t)size, delivery);
}

static int send_plain(struct channel *c, enum lm_gs_client_kind kind)
{
    struct lm_gs_client_message message = {.kind = kind};
    return send_message(c, &message);
}

static int send_input(struct channel *c, const struct lm_gs_input_event *event)
{
    struct lm_gs_client_message message = {.kind = LM_GS_CLIENT_INPUT, .input = *event};
    return send_message(c, &message);
}

int channel_connect(struct channel *c, uint64_t deadline_ns)
{
    static const struct lm_gs_input_event haptics = {.kind = LM_GS_INPUT_HAPTICS};
    int result = control_client_connect(c->client, deadline_ns);
    if (result == LM_OK)
        result = send_plain(c, LM_GS_CLIENT_REQUEST_IDR); /* starts the stream, type 0x0302 */
    if (result == LM_OK)
        result = send_plain(c, LM_GS_CLIENT_START_B);
    if (result == LM_OK)
        result = send_input(c, &haptics);
    return result;
}

static void send_media(struct channel *c)
{
    struct lm_gs_client_message message;
    while (lm_ring_pop(&c->media, &message)) {
        if (message.kind == LM_GS_CLIENT_FEC_STATUS && c->statuses++ >= STATUS_PER_PERIOD)
            continue;
        if (send_message(c, &message) < 0)
            return; /* the state says why, the loop sees it */
    }
}

static void send_inputs(struct channel *c)
{
    struct lm_gs_input_event event;
    while (lm_ring_pop(&c->input, &event))
        if (send_input(c, &event) < 0)
            return;
}

static void send_ping_due(struct channel *c, uint64_t now_ns)
{
    if (now_ns < c->next_ping_ns)
        return;
    c->next_ping_ns = now_ns + ping_ns;
    c->statuses = 0;
    atomic_store(&c->rtt_ms, control_client_rtt_ms(c->client));
    if (send_plain(c, LM_GS_CLIENT_PING) < 0)
        return;
}

static void *run(void *user)
{
    struct channel *c = user;
    pthread_setname_np(pthread_self(), "control");
    while (!atomic_load(&c->stop)) {
        uint64_t now_ns = lm_clock_now_ns();
        send_ping_due(c, now_ns);
        send_media(c);
        send_inputs(c);
        uint32_t wait_ms = (uint32_t)((c->next_ping_ns - now_ns) / LM_NS_PER_MS + 1);
        if (control_client_service(c->client, wait_ms) < 0 ||
            control_client_state(c->client) == CONTROL_CLIENT_CLOSED) {
            ending_set(c->params.ending, ENDING_LOST, 0);
            break;
        }
    }
    if (c->graceful) {
        send_inputs(c);
        control_client_disconnect(c->client, lm_clock_now_ns() + goodbye_ns);
    }
    return NULL;
}

int channel_start(struct channel *c)
{
    c->running = pthread_create(&c->thread, NULL, run, c) == 0;
    return c->running ? LM_OK : LM_EIO;
}

void channel_stop(struct channel *c, bool graceful)
{
    if (!c || !c->running)
        return;
    c->graceful = graceful;
    atomic_store(&c->stop, true);
    control_client_wake(c->client);
    pthread_join(c->thread, NULL);
    c->running = false;
}

void channel_post_media(struct channel *c, const struct lm_gs_client_message *message)
{
    if (lm_ring_push(&c->media, message))
        control_client_wake(c->client);
}

void channel_post_input(struct channel *c, const struct lm_gs_input_event *event)
{
    if (lm_ring_push(&c->input, event))
        control_client_wake(c->client);
}

uint32_t channel_rtt_ms(const struct channel *c)
{
    return atomic_load(&c->rtt_ms);
}
