/* The whole way of a frame over loopback UDP: packetize, parity, seal and send on one core;
 * receive, open, place and repair on another. Throughput with a fixed number of frames on the way,
 * latency from submit to complete with one at a time, heap calls, and what a datagram costs in each
 * stage.
 *
 *     bench-transport [seconds per row]
 */
#include "core/base/check.h"
#include "core/base/time.h"
#include "core/recv/l1_receiver.h"
#include "core/send/l1_sender.h"
#include "core/transport/clock.h"
#include "core/transport/udp.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SHARD_BYTES = 1344,
    FEC_PERCENT = 20,
    BUFFER_BYTES = 16 << 20, /* asked for; what the kernel allowed is printed */
    MESSAGES = 32,
    FRAMES_ON_THE_WAY = 2,
    MAX_SAMPLES = 1 << 16,
    PATIENCE_NS = 100000000, /* without a sign of the receiver */
};

struct row {
    const char *name;
    enum lm_l1_code code;
    bool encrypt, ipv6, no_gso;
};

struct setting {
    struct row row;
    size_t frame_bytes;
    bool one_at_a_time; /* latency instead of throughput */
    bool spin;          /* the receiver never sleeps */
    uint64_t duration_ns;
};

/* Times of the stages, per thread; read when the threads have ended. */
struct sender_cost {
    uint64_t push_ns, pull_ns, send_ns, datagrams, calls;
};

struct receiver_cost {
    uint64_t receive_ns, push_ns, pop_ns, datagrams, calls;
};

struct run {
    struct setting setting;
    struct lm_udp *out, *in;
    struct lm_l1_sender *sender;
    struct lm_l1_receiver *receiver;
    const uint8_t *frame;
    _Atomic uint64_t finished; /* frames delivered or lost */
    _Atomic bool warm, done;
    uint64_t frames, lost, payload_bytes; /* after warming up */
    uint64_t start_ns, end_ns;
    uint64_t heap_calls;
    struct sender_cost sender_cost;
    struct receiver_cost receiver_cost;
    uint32_t sample_count;
    uint32_t samples_ns[MAX_SAMPLES];
    struct lm_l1_receiver_stats stats;
};

/* --- heap calls, counted in front of libc's --- */

static _Atomic bool counting;
static _Atomic uint64_t heap_calls;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void __libc_free(void *p);

static void note(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add(&heap_calls, 1);
}

void *malloc(size_t size)
{
    note();
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    note();
    return __libc_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
    note();
    return __libc_realloc(p, size);
}

void free(void *p)
{
    if (p)
        note();
    __libc_free(p);
}

/* --- sender --- */

static void pin(int core)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(core, &set);
    (void)!sched_setaffinity(0, sizeof set, &set);
}

static void flush(struct run *r, const struct lm_udp_route *route)
{
    struct lm_batch batch;
    uint64_t wake_at, before = lm_clock_now_ns();
    while (lm_l1_sender_pull(r->sender, before, &batch, &wake_at) == 1) {
        uint64_t pulled = lm_clock_now_ns();
        int sent = lm_udp_send_batch(r->out, route, &batch);
        uint64_t after = lm_clock_now_ns();
        r->sender_cost.pull_ns += pulled - before;
        r->sender_cost.send_ns += after - pulled;
        r->sender_cost.calls++;
        r->sender_cost.datagrams += sent > 0 ? (uint64_t)sent : 0;
        lm_l1_sender_done(r->sender, sent > 0 ? (uint32_t)sent : 0, after);
        if (sent == LM_EAGAIN)
            sched_yield();
        LM_CHECK(sent > 0 || sent == LM_EAGAIN);
        before = after;
    }
    r->sender_cost.pull_ns += lm_clock_now_ns() - before;
}

/* False when nothing came back for too long. */
static bool wait_for_room(struct run *r, uint64_t submitted, uint64_t on_the_way)
{
    uint64_t since = lm_clock_now_ns();
    while (submitted - atomic_load_explicit(&r->finished, memory_order_acquire) >= on_the_way) {
        if (lm_clock_now_ns() - since > PATIENCE_NS)
            return false;
        sched_yield();
    }
    return true;
}

static void submit(struct run *r, const struct lm_udp_route *route)
{
    uint64_t now = lm_clock_now_ns();
    struct lm_l1_frame_begin begin = {.capture_ns = now, .now_ns = now};
    struct lm_piece piece = {r->frame, r->setting.frame_bytes};
    LM_CHECK(lm_l1_sender_push_frame(r->sender, &begin, &piece, 1) == 0);
    r->sender_cost.push_ns += lm_clock_now_ns() - now;
    flush(r, route);
}

static void pause_between(struct run *r)
{
    if (!r->setting.one_at_a_time)
        return;
    uint64_t until = lm_clock_now_ns() + LM_NS_PER_MS;
    while (lm_clock_now_ns() < until)
        sched_yield();
}

static void *send_all(void *arg)
{
    struct run *r = arg;
    struct lm_udp_info info;
    pin(0);
    lm_udp_get_info(r->in, &info);
    struct lm_udp_route route = {.to = info.local};
    uint64_t submitted = 0, on_the_way = r->setting.one_at_a_time ? 1 : FRAMES_ON_THE_WAY;
    uint64_t start = lm_clock_now_ns(), warm_until = start + r->setting.duration_ns / 4;
    uint64_t until = start + r->setting.duration_ns;
    for (uint64_t now = start; now < until; now = lm_clock_now_ns()) {
        if (!r->start_ns && now >= warm_until) {
            r->start_ns = now;
            r->sender_cost = (struct sender_cost){0};
            atomic_store(&counting, true);
            atomic_store(&r->warm, true);
        }
        if (!wait_for_room(r, submitted, on_the_way)) {
            /* All of the last frame was lost: nothing tells the receiver that it is gone. */
            submitted = atomic_load(&r->finished);
            continue;
        }
        submit(r, &route);
        submitted++;
        pause_between(r);
    }
    r->end_ns = lm_clock_now_ns();
    atomic_store(&counting, false);
    atomic_store(&r->done, true);
    return NULL;
}

/* --- receiver --- */

static void take_frames(struct run *r, bool warm)
{
    struct lm_l1_received_frame frame;
    struct lm_loss loss;
    uint64_t before = lm_clock_now_ns();
    while (lm_l1_receiver_pop(r->receiver, before, &frame) == 1) {
        uint64_t now = lm_clock_now_ns();
        LM_CHECK(frame.size_bytes == r->setting.frame_bytes);
        LM_CHECK(memcmp(frame.data, r->frame, 64) == 0);
        atomic_fetch_add_explicit(&r->finished, 1 + frame.lost_before, memory_order_release);
        if (!warm)
            continue;
        r->frames++;
        r->lost += frame.lost_before;
        r->payload_bytes += frame.size_bytes;
        if (r->sample_count < MAX_SAMPLES)
            r->samples_ns[r->sample_count++] = (uint32_t)(now - frame.header.capture_ns);
    }
    while (lm_l1_receiver_pop_loss(r->receiver, &loss)) {
    }
    r->receiver_cost.pop_ns += lm_clock_now_ns() - before;
}

static void take_messages(struct run *r, const struct lm_udp_message *messages, int count,
                          uint64_t now)
{
    for (int i = 0; i < count; i++)
        for (size_t at = 0; at < messages[i].size_bytes; at += messages[i].segment_bytes) {
            size_t size = LM_MIN(messages[i].segment_bytes, messages[i].size_bytes - at);
            lm_l1_receiver_push(r->receiver, messages[i].data + at, size, now);
            r->receiver_cost.datagrams++;
        }
}

static void *receive_all(void *arg)
{
    struct run *r = arg;
    struct lm_udp_message messages[MESSAGES];
    struct pollfd pollfd = {.fd = lm_udp_fd(r->in), .events = POLLIN};
    bool warm = false;
    pin(1);
    while (!atomic_load_explicit(&r->done, memory_order_relaxed)) {
        if (!r->setting.spin)
            (void)!poll(&pollfd, 1, 10);
        if (!warm && atomic_load_explicit(&r->warm, memory_order_relaxed)) {
            warm = true;
            r->receiver_cost = (struct receiver_cost){0};
        }
        uint64_t before = lm_clock_now_ns();
        int count = lm_udp_receive(r->in, messages, MESSAGES);
        uint64_t received = lm_clock_now_ns();
        LM_CHECK(count >= 0);
        if (count > 0) {
            r->receiver_cost.receive_ns += received - before;
            r->receiver_cost.calls++;
            take_messages(r, messages, count, received);
            r->receiver_cost.push_ns += lm_clock_now_ns() - received;
        }
        take_frames(r, warm);
    }
    return NULL;
}

/* --- a run --- */

static void open_run(struct run *r)
{
    const struct row *row = &r->setting.row;
    struct lm_udp_config out = {.send_buffer_bytes = BUFFER_BYTES, .no_gso = row->no_gso};
    struct lm_udp_config in = {.receive_buffer_bytes = BUFFER_BYTES, .receive_messages = MESSAGES};
    LM_CHECK(lm_address_parse(row->ipv6 ? "::1" : "127.0.0.1", 0, &in.bind_to) == 0);
    out.bind_to = in.bind_to;
    struct lm_l1_sender_config sender = {.shard_bytes = SHARD_BYTES,
                                         .code = row->code,
                                         .fec_percent = row->code ? FEC_PERCENT : 0,
                                         .encrypt = row->encrypt,
                                         .max_frame_bytes = r->setting.frame_bytes};
    struct lm_l1_receiver_config receiver = {.shard_bytes = SHARD_BYTES,
                                             .encrypted = row->encrypt,
                                             .max_frame_bytes = r->setting.frame_bytes,
                                             .max_fec_percent = FEC_PERCENT,
                                             .reorder_ns = LM_NS_PER_MS};
    LM_CHECK(lm_udp_open(&out, &r->out) == 0 && lm_udp_open(&in, &r->in) == 0);
    LM_CHECK(lm_l1_sender_create(&sender, &r->sender) == 0);
    LM_CHECK(lm_l1_receiver_create(&receiver, &r->receiver) == 0);
}

static void close_run(struct run *r)
{
    lm_l1_receiver_get_stats(r->receiver, &r->stats);
    lm_l1_sender_destroy(r->sender);
    lm_l1_receiver_destroy(r->receiver);
    lm_udp_close(r->out);
    lm_udp_close(r->in);
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static double percentile_us(struct run *r, double share)
{
    if (!r->sample_count)
        return 0;
    return r->samples_ns[(uint32_t)((r->sample_count - 1) * share)] / 1e3;
}

static struct run *measure(const struct setting *setting)
{
    static uint8_t frame[4 << 20];
    pthread_t threads[2];
    struct run *r = calloc(1, sizeof *r);
    LM_CHECK(r && setting->frame_bytes <= sizeof frame);
    for (size_t i = 0; i < sizeof frame; i++)
        frame[i] = (uint8_t)(i * 2654435761u >> 24);
    r->setting = *setting;
    r->frame = frame;
    open_run(r);
    atomic_store(&heap_calls, 0);
    LM_CHECK(pthread_create(&threads[1], NULL, receive_all, r) == 0);
    LM_CHECK(pthread_create(&threads[0], NULL, send_all, r) == 0);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    r->heap_calls = atomic_load(&heap_calls);
    close_run(r);
    qsort(r->samples_ns, r->sample_count, sizeof r->samples_ns[0], compare);
    return r;
}

static double per(uint64_t total, uint64_t count)
{
    return count ? (double)total / (double)count : 0;
}

static void print_throughput(const struct run *r)
{
    double seconds = (double)(r->end_ns - r->start_ns) / 1e9;
    const struct sender_cost *s = &r->sender_cost;
    const struct receiver_cost *c = &r->receiver_cost;
    printf("%-26s %7.2f %8.0f %5llu %6.2f  %6.0f %6.0f %6.0f  %7.0f %6.0f %6.0f\n",
           r->setting.row.name, (double)r->payload_bytes * 8 / seconds / 1e9,
           (double)r->frames / seconds, (unsigned long long)r->lost, per(r->heap_calls, r->frames),
           per(s->push_ns, s->datagrams), per(s->pull_ns, s->datagrams),
           per(s->send_ns, s->datagrams), per(c->receive_ns, c->datagrams),
           per(c->push_ns, c->datagrams), per(c->pop_ns, c->datagrams));
    fflush(stdout);
}

static void throughput(uint64_t duration_ns)
{
    static const struct row rows[] = {
        {"gf16, sealed", LM_L1_CODE_GF16, true, false, false},
        {"gf16, sealed, IPv6", LM_L1_CODE_GF16, true, true, false},
        {"gf8 interleaved, sealed", LM_L1_CODE_GF8, true, false, false},
        {"no parity, sealed", LM_L1_CODE_NONE, true, false, false},
        {"gf16, clear", LM_L1_CODE_GF16, false, false, false},
        {"no parity, clear", LM_L1_CODE_NONE, false, false, false},
        {"gf16, sealed, sendmmsg", LM_L1_CODE_GF16, true, false, true},
    };
    printf("Throughput: frames of 1.2 MB, shards of %d bytes, %d %% parity, %d frames on the way\n"
           "%-26s %7s %8s %5s %6s  %20s  %21s\n%-26s %7s %8s %5s %6s  %6s %6s %6s  %7s %6s %6s\n",
           SHARD_BYTES, FEC_PERCENT, FRAMES_ON_THE_WAY, "", "payload", "frames", "", "heap",
           "sender, ns/datagram", "receiver, ns/datagram", "", "Gbit/s", "per s", "lost", "/frame",
           "push", "seal", "send", "receive", "place", "pop");
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct run *r = measure(
            &(struct setting){.row = rows[i], .frame_bytes = 1200000, .duration_ns = duration_ns});
        print_throughput(r);
        free(r);
    }
}

static void latency(uint64_t duration_ns)
{
    static const struct {
        const char *name;
        size_t frame_bytes;
        bool spin;
    } cases[] = {{"25 kB, receiver polls", 25000, true},
                 {"25 kB, receiver sleeps", 25000, false},
                 {"1.2 MB, receiver polls", 1200000, true},
                 {"1.2 MB, receiver sleeps", 1200000, false}};
    printf("\nLatency, submit to complete, gf16, sealed, one frame at a time, microseconds\n"
           "%-26s %8s %8s %8s %8s\n",
           "", "p50", "p95", "p99", "frames");
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct run *r = measure(&(struct setting){
            .row = {.code = LM_L1_CODE_GF16, .encrypt = true},
            .frame_bytes = cases[i].frame_bytes,
            .one_at_a_time = true,
            .spin = cases[i].spin,
            .duration_ns = duration_ns,
        });
        printf("%-26s %8.0f %8.0f %8.0f %8u\n", cases[i].name, percentile_us(r, 0.5),
               percentile_us(r, 0.95), percentile_us(r, 0.99), r->sample_count);
        fflush(stdout);
        free(r);
    }
}

static void print_sockets(void)
{
    struct run r = {.setting = {.row = {.name = ""}, .frame_bytes = 1000}};
    struct lm_udp_info out, in;
    open_run(&r);
    lm_udp_get_info(r.out, &out);
    lm_udp_get_info(r.in, &in);
    printf("Sockets: send buffer %u KiB, receive buffer %u KiB of the %d asked for; GSO %s, GRO "
           "%s\n\n",
           out.send_buffer_bytes >> 10, in.receive_buffer_bytes >> 10, BUFFER_BYTES >> 10,
           out.gso ? "on" : "off", in.gro ? "on" : "off");
    close_run(&r);
}

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 3;
    if (seconds < 0.1 || seconds > 600) {
        fprintf(stderr, "usage: bench-transport [seconds per row, 0.1 to 600]\n");
        return 2;
    }
    print_sockets();
    throughput((uint64_t)(seconds * 1e9));
    latency((uint64_t)(seconds * 1e9));
    return 0;
}
