#include "run.h"

#include "flight.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    TAKEN = 256,          /* datagrams that the receiver is given in a row */
    TAIL = 3,             /* frames behind the counted ones, so that the last losses show */
    REFERENCE_FRAMES = 8, /* until pacing and link are in step */
    PROGRESS_FRAMES = 64,
    DATAGRAM_OVER_BYTES = 128, /* no protocol here adds more to a shard */
};

#define START_NS LM_NS_PER_S

struct run {
    const struct run_config *config;
    struct stream *stream;
    const struct stream_ops *ops;
    struct model_chain chain;
    struct flight flight;
    uint8_t *frame;
    uint64_t now_ns;
    uint32_t counted; /* frames up to this one count */
    uint32_t delivered, last_delivered;
    int64_t *latencies_ns; /* of the delivered ones */
    uint64_t datagrams, datagrams_lost;
    uint64_t send_cpu_ns, receive_cpu_ns, checking_ns, received;
    int error;
};

/* What this thread computed so far; the virtual time has nothing to do with it. */
static uint64_t clock_of(const struct run *r)
{
    struct timespec ts;
    if (!r->config->measure_cpu || clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts) < 0)
        return 0;
    return (uint64_t)ts.tv_sec * LM_NS_PER_S + (uint64_t)ts.tv_nsec;
}

static uint64_t start_of(const struct run *r, uint32_t frame)
{
    return START_NS + (frame - 1) * r->config->interval_ns;
}

static void fill_frame(struct run *r)
{
    uint64_t random = 1;
    for (uint32_t i = 0; i < r->config->stream.frame_bytes; i++)
        r->frame[i] = (uint8_t)model_random(&random);
}

/* Each frame is told from the others by its number in front. */
static bool is_intact(const struct run *r, const struct stream_frame *f)
{
    uint32_t number;
    if (f->size_bytes != r->config->stream.frame_bytes)
        return false;
    memcpy(&number, f->data, sizeof number);
    return number == f->index && memcmp(f->data + sizeof number, r->frame + sizeof number,
                                        f->size_bytes - sizeof number) == 0;
}

static void note_frame(struct run *r, const struct stream_frame *f, uint64_t now_ns)
{
    uint64_t before = clock_of(r);
    if (f->index <= r->last_delivered || !is_intact(r, f))
        r->error = LM_ECORRUPT;
    r->last_delivered = f->index;
    if (f->index <= r->counted && r->error == LM_OK)
        r->latencies_ns[r->delivered++] = (int64_t)(now_ns - start_of(r, f->index));
    r->checking_ns += clock_of(r) - before;
}

static void pop_frames(struct run *r, uint64_t now_ns)
{
    struct stream_frame frame;
    while (r->ops->pop(r->stream, now_ns, &frame) > 0)
        note_frame(r, &frame, now_ns);
}

static void wake_receiver(struct run *r, uint64_t until_ns)
{
    uint64_t last_ns = 0, wake_ns;
    while ((wake_ns = r->ops->wake_at(r->stream)) <= until_ns && wake_ns > last_ns) {
        pop_frames(r, wake_ns);
        last_ns = wake_ns;
    }
}

/* Gives the receiver what arrives until then. */
static void deliver(struct run *r, uint64_t until_ns)
{
    struct flight_item items[TAKEN];
    size_t count;
    while ((count = flight_take(&r->flight, until_ns, items, TAKEN)) > 0) {
        uint64_t before = clock_of(r), checked_ns = r->checking_ns;
        for (size_t i = 0; i < count; i++) {
            wake_receiver(r, items[i].at_ns);
            r->ops->receive(r->stream, items[i].data, items[i].size_bytes, items[i].at_ns);
            pop_frames(r, items[i].at_ns);
        }
        r->receive_cpu_ns += clock_of(r) - before - (r->checking_ns - checked_ns);
        r->received += count;
        flight_give(&r->flight, items, count);
    }
    wake_receiver(r, until_ns);
}

static int send_datagram(struct run *r, const uint8_t *data, size_t size_bytes)
{
    struct model_packet packet = {.size_bytes = size_bytes, .at_ns = r->now_ns};
    r->datagrams++;
    if (!model_chain_pass(&r->chain, &packet)) {
        r->datagrams_lost++;
        return LM_OK;
    }
    int rc = flight_put(&r->flight, data, size_bytes, packet.at_ns);
    if (rc == LM_OK && packet.copy_at_ns)
        rc = flight_put(&r->flight, data, size_bytes, packet.copy_at_ns);
    return rc;
}

/* Sends what may leave now; *wake_at_ns is when more may. */
static int send_batches(struct run *r, uint64_t *wake_at_ns)
{
    struct lm_batch batch;
    int rc = LM_OK;
    for (;;) {
        uint64_t before = clock_of(r);
        int any = r->ops->pull(r->stream, r->now_ns, &batch, wake_at_ns);
        r->send_cpu_ns += clock_of(r) - before;
        if (any <= 0)
            return any;
        for (uint32_t i = 0; i < batch.segments && rc == LM_OK; i++)
            rc = send_datagram(r, batch.data + i * batch.segment_bytes, batch.segment_bytes);
        r->ops->done(r->stream, batch.segments, r->now_ns);
        if (rc < 0)
            return rc;
    }
}

/* Lets time pass. */
static int advance(struct run *r, uint64_t until_ns)
{
    for (;;) {
        uint64_t wake_at_ns = LM_TIME_MAX;
        int rc = send_batches(r, &wake_at_ns);
        if (rc < 0)
            return rc;
        LM_CHECK(wake_at_ns > r->now_ns);
        uint64_t next_ns = LM_MIN(wake_at_ns, until_ns);
        deliver(r, next_ns);
        r->now_ns = next_ns;
        if (r->error < 0)
            return r->error;
        if (next_ns == until_ns)
            return LM_OK;
    }
}

static int send_frame(struct run *r, uint32_t number)
{
    int rc = advance(r, start_of(r, number));
    if (rc < 0)
        return rc;
    memcpy(r->frame, &number, sizeof number);
    uint64_t before = clock_of(r);
    rc = r->ops->push_frame(r->stream, r->frame, r->config->stream.frame_bytes, r->now_ns);
    r->send_cpu_ns += clock_of(r) - before;
    return rc;
}

static void add_models(struct run *r)
{
    const struct run_path *p = &r->config->path;
    uint64_t seed = r->config->seed;
    model_add_queue(&r->chain, p->rate_bps, p->queue_bytes);
    if (p->trace)
        model_add_trace(&r->chain, p->trace, seed);
    else if (p->loss > 0 && p->burst > 1)
        model_add_bursts(&r->chain, p->loss, p->burst, seed);
    else if (p->loss > 0)
        model_add_independent(&r->chain, p->loss, seed);
    if (p->duplicate > 0)
        model_add_duplicate(&r->chain, p->duplicate, p->reorder_ns, seed);
    if (p->reorder > 0)
        model_add_reorder(&r->chain, p->reorder, p->reorder_ns, seed);
}

static void run_finish(struct run *r)
{
    if (r->stream)
        r->ops->destroy(r->stream);
    flight_finish(&r->flight);
    free(r->frame);
    free(r->latencies_ns);
}

static int run_init(struct run *r, const struct run_config *config)
{
    const struct stream_config *s = &config->stream;
    *r = (struct run){.config = config,
                      .ops = stream_ops_of(s->code),
                      .now_ns = START_NS,
                      .flight.datagram_bytes = s->shard_bytes + DATAGRAM_OVER_BYTES};
    r->frame = malloc(s->frame_bytes);
    r->latencies_ns = malloc(config->frames * sizeof *r->latencies_ns);
    if (!r->frame || !r->latencies_ns)
        return LM_ENOMEM;
    fill_frame(r);
    add_models(r);
    return r->ops->create(s, &r->stream);
}

/* From now on nothing is lost any more. */
static void calm(struct run *r)
{
    r->chain.count = 1;
    r->chain.models[0].queue.size_bytes = 0;
}

static int send_all(struct run *r)
{
    const struct run_config *c = r->config;
    struct stream_counts counts = {0};
    int rc = LM_OK;
    r->counted = c->frames;
    for (uint32_t i = 1; i <= r->counted && rc == LM_OK; i++) {
        rc = send_frame(r, i);
        r->ops->counts(r->stream, &counts);
        if (counts.frames_lost >= c->enough)
            r->counted = i;
        if (c->progress && i % PROGRESS_FRAMES == 0)
            c->progress(c->user, i);
    }
    if (rc == LM_OK)
        rc = advance(r, start_of(r, r->counted + 1) - 1);
    return rc;
}

static int send_tail(struct run *r)
{
    int rc = LM_OK;
    calm(r);
    for (uint32_t i = 1; i <= TAIL && rc == LM_OK; i++)
        rc = send_frame(r, r->counted + i);
    if (rc == LM_OK)
        rc = advance(r, r->now_ns + r->config->stream.reorder_ns + r->config->interval_ns);
    /* What a slow link still holds. */
    for (uint64_t next_ns; rc == LM_OK && (next_ns = flight_next_ns(&r->flight)) != LM_TIME_MAX;)
        rc = advance(r, next_ns + r->config->stream.reorder_ns);
    return rc;
}

static void collect(struct run *r, int64_t reference_ns, struct run_result *out)
{
    struct stream_counts counts;
    r->ops->counts(r->stream, &counts);
    out->frames = r->counted;
    out->frames_lost = r->counted - r->delivered;
    out->lost_share = stats_interval_of(out->frames_lost, out->frames);
    out->blocks = counts.blocks;
    out->data_datagrams = counts.data_datagrams;
    out->parity_datagrams = counts.parity_datagrams;
    out->shards_repaired = counts.shards_repaired;
    if (r->delivered) {
        out->latency_p50_ns = stats_quantile(r->latencies_ns, r->delivered, 0.5) - reference_ns;
        out->latency_p99_ns = stats_quantile(r->latencies_ns, r->delivered, 0.99) - reference_ns;
    }
    out->send_cpu_ns = r->send_cpu_ns;
    out->receive_cpu_ns = r->receive_cpu_ns;
    out->datagrams_received = r->received;
}

/* Why the stream does not fit its pace or its link; NULL: it does. A frame was just pushed. */
static const char *misfit_of(struct run *r, const struct run_config *c)
{
    struct stream_counts counts;
    struct lm_batch batch;
    uint64_t wake_at_ns;
    r->ops->counts(r->stream, &counts);
    uint64_t datagrams = counts.data_datagrams + counts.parity_datagrams;
    int any = r->ops->pull(r->stream, r->now_ns, &batch, &wake_at_ns);
    LM_CHECK(any > 0);
    double frames_per_s = 1e9 / (double)c->interval_ns;
    double bytes_per_s = (double)(datagrams * batch.segment_bytes) * frames_per_s;
    double link_bps =
        (double)(datagrams * (batch.segment_bytes + MODEL_IP_UDP_BYTES)) * 8 * frames_per_s;
    if (c->stream.pace_bytes_per_s && bytes_per_s > (double)c->stream.pace_bytes_per_s)
        return "the pace is slower than the stream";
    if (!c->path.queue_bytes && link_bps > (double)c->path.rate_bps)
        return "the link is slower than the stream";
    return NULL;
}

static bool is_refusal(int rc)
{
    return rc == LM_ELIMIT || rc == LM_EINVAL || rc == LM_EUNSUPPORTED;
}

/* When a frame comes out while nothing is lost. */
static int run_reference(const struct run_config *config, int64_t *out_ns, const char **impossible)
{
    struct run_config calm_config = *config;
    struct run r;
    calm_config.path = (struct run_path){.rate_bps = config->path.rate_bps};
    calm_config.frames = REFERENCE_FRAMES;
    calm_config.progress = NULL;
    int rc = run_init(&r, &calm_config);
    r.counted = REFERENCE_FRAMES;
    if (rc == LM_OK)
        rc = send_frame(&r, 1);
    if (is_refusal(rc))
        *impossible = "too large or too small a frame for the code";
    else if (rc == LM_OK)
        *impossible = misfit_of(&r, config);
    for (uint32_t i = 2; rc == LM_OK && !*impossible && i <= REFERENCE_FRAMES; i++)
        rc = send_frame(&r, i);
    if (rc == LM_OK && !*impossible)
        rc = send_tail(&r);
    if (rc == LM_OK && !*impossible)
        *out_ns = r.delivered ? r.latencies_ns[r.delivered - 1] : 0;
    run_finish(&r);
    return *impossible ? LM_OK : rc;
}

int run_experiment(const struct run_config *config, struct run_result *out)
{
    struct run r;
    int64_t reference_ns = 0;
    *out = (struct run_result){0};
    int rc = run_reference(config, &reference_ns, &out->impossible);
    if (rc < 0 || out->impossible)
        return rc;
    rc = run_init(&r, config);
    if (rc == LM_OK)
        rc = send_all(&r);
    out->datagrams = r.datagrams;
    out->datagrams_lost = r.datagrams_lost;
    out->lost_in_queue = r.chain.models[0].lost;
    if (rc == LM_OK)
        rc = send_tail(&r);
    if (rc == LM_OK)
        collect(&r, reference_ns, out);
    run_finish(&r);
    return rc;
}
