#include "client/receive.h"

#include "client/ping.h"
#include "client/recovery.h"
#include "core/base/check.h"
#include "core/transport/clock.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    MESSAGES = 32,
    DATAGRAMS_IN_BUFFER = 2048, /* asked of the kernel */
    FRAMES_IN_FLIGHT = 4,
};

static const uint64_t reorder_ns = 4 * LM_NS_PER_MS, start_limit_ns = 10 * LM_NS_PER_S;

struct receive {
    struct receive_params params;
    struct lm_udp *udp;
    struct lm_receiver *receiver;
    struct lm_wake wake;
    struct ping ping;
    struct viewer *viewer;
    struct recovery recovery;
    uint32_t told_to;    /* losses up to this frame were dealt with */
    uint64_t started_ns; /* since when we wait for what is still missing at the start */
    struct receive_live live;
    struct receive_results results;
    _Atomic bool stop;
    bool running;
    pthread_t thread;
};

static int open_socket(struct receive *r)
{
    struct lm_udp_config config = {
        .receive_buffer_bytes = DATAGRAMS_IN_BUFFER * (r->params.packet_size + LM_GSV_OVER_BYTES),
        .receive_messages = MESSAGES,
        .priority = 5,
    };
    return lm_udp_open(&config, &r->udp);
}

int receive_create(const struct receive_params *params, struct receive **out)
{
    *out = NULL;
    struct receive *r = calloc(1, sizeof *r);
    if (!r)
        return LM_ENOMEM;
    r->params = *params;
    r->wake.fd = -1;
    recovery_init(&r->recovery, params->can_invalidate);
    stats_cadence_init(&r->results.cadence, params->rate_mhz);
    struct lm_receiver_config config = {
        .packet_size = params->packet_size,
        .encrypted = params->encrypted,
        .max_frame_bytes = params->max_frame_bytes,
        .frames_in_flight = FRAMES_IN_FLIGHT,
        .reorder_ns = reorder_ns,
    };
    memcpy(config.key, params->key, sizeof config.key);
    int result = lm_receiver_create(&config, &r->receiver);
    explicit_bzero(config.key, sizeof config.key);
    if (result == LM_OK)
        result = ping_init(&r->ping, &params->host, params->port, params->ping);
    if (result == LM_OK)
        result = lm_wake_init(&r->wake);
    if (result == LM_OK)
        result = open_socket(r);
    if (result == LM_OK)
        *out = r;
    else
        receive_destroy(r);
    return result;
}

void receive_destroy(struct receive *r)
{
    if (!r)
        return;
    lm_udp_close(r->udp);
    if (r->wake.fd >= 0)
        lm_wake_finish(&r->wake);
    lm_receiver_destroy(r->receiver);
    explicit_bzero(r->params.key, sizeof r->params.key);
    free(r);
}

static void ask(struct receive *r, enum recovery_ask what)
{
    struct lm_gs_client_message message = {.kind = LM_GS_CLIENT_REQUEST_IDR};
    if (what == RECOVERY_ASK_NOTHING)
        return;
    if (what == RECOVERY_ASK_INVALIDATE) {
        message.kind = LM_GS_CLIENT_INVALIDATE;
        message.range = (struct lm_gs_frame_range){r->recovery.first, r->recovery.last};
    }
    channel_post_media(r->params.channel, &message);
}

/* Frames first..last will not come. Each is dealt with once, whichever way it becomes known. */
static void lose(struct receive *r, uint32_t first, uint32_t last)
{
    if ((int32_t)(last - r->told_to) <= 0)
        return;
    if ((int32_t)(first - r->told_to) <= 0)
        first = r->told_to + 1;
    r->told_to = last;
    ask(r, recovery_lost(&r->recovery, first, last));
}

static void measure(struct receive *r, const struct lm_received_frame *frame)
{
    uint64_t network_ns = frame->complete_ns - frame->first_packet_ns;
    r->results.frames++;
    r->results.last_frame_ns = frame->complete_ns;
    if (!r->results.first_packet_ns)
        r->results.first_packet_ns = frame->first_packet_ns;
    stats_spread_add(&r->results.network, network_ns);
    stats_cadence_add(&r->results.cadence, frame->complete_ns);
    if (frame->latency_100us)
        stats_spread_add(&r->results.host, (uint64_t)frame->latency_100us * 100 * LM_NS_PER_US);
    atomic_fetch_add(&r->live.frames, 1);
    atomic_store(&r->live.network_us, (uint32_t)(network_ns / LM_NS_PER_US));
    atomic_store(&r->live.host_latency_us, frame->latency_100us * 100);
}

static void take_frame(struct receive *r, const struct lm_received_frame *frame)
{
    if (frame->lost_before)
        lose(r, frame->frame_index - frame->lost_before, frame->frame_index - 1);
    r->told_to = frame->frame_index;
    measure(r, frame);
    bool decode, key = recovery_is_key(frame->data, frame->size_bytes);
    ask(r, recovery_frame(&r->recovery, frame->frame_index, frame->type, key, &decode));
    if (!decode)
        return;
    struct viewer_frame next = {.data = frame->data,
                                .size_bytes = frame->size_bytes,
                                .key = key,
                                .complete_ns = frame->complete_ns};
    if (viewer_push(r->viewer, &next) < 0) {
        r->results.overflows++;
        ask(r, recovery_lost(&r->recovery, frame->frame_index, frame->frame_index));
    }
}

static void tell_status(struct receive *r, const struct lm_fec_status *s)
{
    struct lm_gs_client_message message = {
        .kind = LM_GS_CLIENT_FEC_STATUS,
        .fec = {.frame_index = s->frame_index,
                .highest_sequence = s->highest_sequence,
                .next_contiguous_sequence = s->next_contiguous_sequence,
                .missing_before_highest = s->missing_before_highest,
                .data_packets = s->data_packets,
                .parity_packets = s->parity_packets,
                .received_data = s->received_data,
                .received_parity = s->received_parity,
                .fec_percent = s->percent,
                .block_index = s->block,
                .block_count = s->block_count},
    };
    if (r->params.fec_status)
        channel_post_media(r->params.channel, &message);
}

static void take_frames(struct receive *r, uint64_t now_ns)
{
    struct lm_received_frame frame;
    while (lm_receiver_pop(r->receiver, now_ns, &frame) == 1)
        take_frame(r, &frame);
}

static void take_events(struct receive *r)
{
    struct lm_fec_status status;
    struct lm_loss loss;
    while (lm_receiver_pop_loss(r->receiver, &loss))
        lose(r, loss.first, loss.last);
    while (lm_receiver_pop_status(r->receiver, &status))
        tell_status(r, &status);
    if (viewer_take_broken(r->viewer))
        ask(r, recovery_broken(&r->recovery));
}

static void push_message(struct receive *r, const struct lm_udp_message *m, uint64_t now_ns)
{
    if (!lm_address_same_host(&m->from, &r->ping.route.to))
        return; /* whoever that is, not our host */
    for (size_t at = 0; m->segment_bytes && at < m->size_bytes; at += m->segment_bytes) {
        lm_receiver_push(r->receiver, m->data + at, LM_MIN(m->segment_bytes, m->size_bytes - at),
                         now_ns);
        /* After a stall more frames wait in the socket than the receiver holds. */
        take_frames(r, now_ns);
    }
}

static void receive_datagrams(struct receive *r, uint64_t now_ns)
{
    struct lm_udp_message messages[MESSAGES];
    int count = lm_udp_receive(r->udp, messages, MESSAGES);
    for (int i = 0; i < count; i++)
        push_message(r, &messages[i], now_ns);
    take_frames(r, now_ns);
    take_events(r);
}

static void update_live(struct receive *r)
{
    struct lm_receiver_stats stats;
    lm_receiver_get_stats(r->receiver, &stats);
    atomic_store(&r->live.bytes, stats.bytes);
    atomic_store(&r->live.lost, stats.frames_lost);
    atomic_store(&r->live.repaired, stats.shards_repaired);
}

/* A host that sends nothing, or nothing that can be shown, is given up. */
static void check_start(struct receive *r, uint64_t now_ns)
{
    if (r->recovery.had_key || now_ns < r->started_ns + start_limit_ns)
        return;
    struct lm_receiver_stats stats;
    lm_receiver_get_stats(r->receiver, &stats);
    if (!stats.datagrams)
        ending_set(r->params.ending, ENDING_NO_VIDEO, 0);
    else if (now_ns >= r->started_ns + 2 * start_limit_ns)
        ending_set(r->params.ending, ENDING_NO_PICTURE, 0);
}

static void wait_for_work(struct receive *r, uint64_t now_ns)
{
    struct pollfd ready[] = {{.fd = lm_udp_fd(r->udp), .events = POLLIN},
                             {.fd = r->wake.fd, .events = POLLIN}};
    uint64_t until_ns = LM_MIN(r->ping.next_ns, lm_receiver_wake_at(r->receiver));
    uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
    struct timespec wait = {.tv_sec = (time_t)(wait_ns / LM_NS_PER_S),
                            .tv_nsec = (long)(wait_ns % LM_NS_PER_S)};
    if (ppoll(ready, LM_ARRAY_LEN(ready), &wait, NULL) > 0 && ready[1].revents)
        lm_wake_clear(&r->wake);
}

static void *run(void *user)
{
    struct receive *r = user;
    pthread_setname_np(pthread_self(), "receive");
    r->started_ns = lm_clock_now_ns();
    while (!atomic_load(&r->stop)) {
        uint64_t now_ns = lm_clock_now_ns();
        bool ping_due = now_ns >= r->ping.next_ns;
        ping_send_due(&r->ping, r->udp, now_ns);
        receive_datagrams(r, now_ns);
        if (ping_due) {
            update_live(r);
            check_start(r, now_ns);
        }
        wait_for_work(r, now_ns);
    }
    return NULL;
}

int receive_start(struct receive *r, struct viewer *viewer)
{
    r->viewer = viewer;
    r->running = pthread_create(&r->thread, NULL, run, r) == 0;
    return r->running ? LM_OK : LM_EIO;
}

void receive_stop(struct receive *r)
{
    if (!r || !r->running)
        return;
    atomic_store(&r->stop, true);
    lm_wake_signal(&r->wake);
    pthread_join(r->thread, NULL);
    r->running = false;
    lm_receiver_get_stats(r->receiver, &r->results.stats);
    r->results.keys = r->recovery.keys;
    r->results.recoveries = r->recovery.recoveries;
    r->results.frames_dropped = r->recovery.frames_dropped;
}

struct lm_wake *receive_wake(struct receive *r)
{
    return &r->wake;
}

const struct receive_live *receive_live(const struct receive *r)
{
    return &r->live;
}

const struct receive_results *receive_results(const struct receive *r)
{
    return &r->results;
}
