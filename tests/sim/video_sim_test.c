/* Video sender to receiver over a simulated link. The test sees each datagram's fate, so it knows
 * of every frame whether it can be repaired: exactly those must come out, bit by bit, all others
 * must be declared lost, exactly once. LUMEN_SIM_SEED=n repeats a run. */
#include "sim_link.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/time.h"
#include "core/recv/open.h"
#include "core/recv/receiver.h"
#include "core/send/sender.h"
#include "core/wire/gs_video.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum {
    FRAMES = 400,
    TAIL = 3, /* frames at the end that lose nothing, so that what is lost before shows */
    MAX_FRAME = 60000,
    MAX_STREAM = MAX_FRAME + 4 * 2048,
};

#define INTERVAL_NS (4 * LM_NS_PER_MS)

struct scenario {
    const char *name;
    uint32_t packet_size, fec_percent, min_parity;
    bool encrypt, whole_frames;
    struct sim_link_params link;
};

/* What was sent as frame `index`, and what of it arrives. */
struct sent_frame {
    uint8_t *data; /* as the receiver must give it: with the padding between blocks */
    size_t size_bytes;
    uint32_t timestamp_90k, type;
    uint32_t blocks;
    struct {
        uint32_t needed, arrived;
    } block[LM_GSV_MAX_BLOCKS];
    bool delivered, lost;
};

struct sim {
    const struct scenario *scenario;
    uint64_t random, now_ns;
    struct sim_link link;
    struct lm_sender *sender;
    struct lm_receiver *receiver;
    struct lm_open spy;                          /* reads what the sender sends */
    struct sent_frame frames[FRAMES + TAIL + 1]; /* by index, from 1 */
    uint32_t begun;
    uint32_t losing; /* frames up to this one may lose datagrams */
};

static uint64_t seed_of_run(void)
{
    const char *text = getenv("LUMEN_SIM_SEED");
    return text ? strtoull(text, NULL, 0) : UINT64_C(20240607);
}

static uint64_t below(struct sim *sim, uint64_t limit)
{
    return sim_random(&sim->random) % limit;
}

static size_t frame_size(struct sim *sim)
{
    uint64_t kind = below(sim, 20);
    return 1 + below(sim, kind == 0 ? MAX_FRAME - 1 : kind < 8 ? 300 : 12000);
}

static void fill(struct sim *sim, uint8_t *data, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        data[i] = (uint8_t)below(sim, 255) + 1; /* padding is told apart */
}

/* Pushes one frame and writes down what must come out. */
static void push_frame(struct sim *sim)
{
    size_t payload = sim->scenario->packet_size - LM_GSV_NV_BYTES, size_bytes = frame_size(sim);
    struct sent_frame *f = &sim->frames[++sim->begun];
    f->data = calloc(1, MAX_STREAM);
    LM_CHECK(f->data);
    f->timestamp_90k = sim->begun * 1500;
    f->type = sim->begun == 1 ? LM_FRAME_KEY : LM_FRAME_P;
    f->blocks = sim->scenario->whole_frames ? 1 : 1 + (uint32_t)below(sim, 4);
    struct lm_frame_begin begin = {.type = (enum lm_frame_type)f->type,
                                   .timestamp_90k = f->timestamp_90k,
                                   .block_count = f->blocks};
    assert_int_equal(lm_sender_next_frame(sim->sender), sim->begun);
    if (sim->scenario->whole_frames) {
        fill(sim, f->data, size_bytes);
        struct lm_piece piece = {f->data, size_bytes};
        assert_int_equal(lm_sender_push_frame(sim->sender, &begin, &piece, 1), 0);
        f->size_bytes = size_bytes;
        return;
    }
    assert_int_equal(lm_sender_begin(sim->sender, &begin), 0);
    for (uint32_t b = 0; b < f->blocks; b++) {
        size_t part = 1 + below(sim, size_bytes / f->blocks + 1);
        uint8_t *at = f->data + f->size_bytes;
        fill(sim, at, part);
        assert_int_equal(lm_sender_push_block(sim->sender, at, part, sim->now_ns), 0);
        size_t head = b == 0 ? LM_GSV_FRAME_BYTES : 0;
        bool is_padded = f->blocks > 1;
        f->size_bytes += is_padded ? (part + head + payload - 1) / payload * payload - head : part;
    }
}

/* Writes down how many shards the datagram's block needs, and whether this one arrives. */
static void note_fate(struct sim *sim, const struct lm_batch *batch, uint32_t i, bool arrives)
{
    uint8_t copy[SIM_LINK_DATAGRAM_BYTES];
    struct lm_opened shard;
    memcpy(copy, batch->data + i * batch->segment_bytes, batch->segment_bytes);
    assert_int_equal(lm_open_datagram(&sim->spy, copy, batch->segment_bytes, &shard), 0);
    const struct lm_gsv_header *h = &shard.header;
    assert_int_equal(h->frame_index, batch->frame_index);
    assert_int_equal(h->block, batch->block);
    struct sent_frame *f = &sim->frames[h->frame_index];
    f->block[h->block].needed = h->data_shards;
    f->block[h->block].arrived += arrives;
    f->blocks = h->block_count;
}

static void send_batches(struct sim *sim, uint64_t *wake_at)
{
    struct lm_batch batch;
    while (lm_sender_pull(sim->sender, sim->now_ns, &batch, wake_at)) {
        for (uint32_t i = 0; i < batch.segments; i++) {
            const uint8_t *at = batch.data + i * batch.segment_bytes;
            if (batch.frame_index > sim->losing)
                sim_link_calm(&sim->link);
            bool arrives = sim_link_send(&sim->link, at, batch.segment_bytes, sim->now_ns);
            note_fate(sim, &batch, i, arrives);
        }
        lm_sender_done(sim->sender, batch.segments, sim->now_ns);
    }
}

static void take_frames(struct sim *sim)
{
    struct lm_received_frame got;
    struct lm_loss loss;
    struct lm_fec_status status;
    while (lm_receiver_pop(sim->receiver, sim->now_ns, &got)) {
        assert_in_range(got.frame_index, 1, sim->begun);
        struct sent_frame *f = &sim->frames[got.frame_index];
        assert_false(f->delivered || f->lost);
        f->delivered = true;
        assert_int_equal(got.size_bytes, f->size_bytes);
        assert_memory_equal(got.data, f->data, f->size_bytes);
        assert_int_equal(got.timestamp_90k, f->timestamp_90k);
        assert_int_equal(got.type, f->type);
    }
    while (lm_receiver_pop_loss(sim->receiver, &loss)) {
        assert_true(loss.first <= loss.last && loss.last <= sim->begun);
        for (uint32_t i = loss.first; i <= loss.last; i++) {
            assert_false(sim->frames[i].delivered || sim->frames[i].lost);
            sim->frames[i].lost = true;
        }
    }
    while (lm_receiver_pop_status(sim->receiver, &status))
        assert_true(status.block < status.block_count);
}

static void run_until_quiet(struct sim *sim)
{
    uint64_t next_frame_ns = sim->now_ns, wake_at;
    for (;;) {
        if (sim->begun < FRAMES + TAIL && sim->now_ns >= next_frame_ns) {
            push_frame(sim);
            next_frame_ns += INTERVAL_NS;
        }
        send_batches(sim, &wake_at);
        while (sim_link_next_ns(&sim->link) <= sim->now_ns) {
            uint8_t datagram[SIM_LINK_DATAGRAM_BYTES];
            size_t size_bytes = sim_link_receive(&sim->link, datagram);
            lm_receiver_push(sim->receiver, datagram, size_bytes, sim->now_ns);
            take_frames(sim);
        }
        take_frames(sim);
        uint64_t next = LM_MIN(wake_at, sim_link_next_ns(&sim->link));
        next = LM_MIN(next, lm_receiver_wake_at(sim->receiver));
        if (sim->begun < FRAMES + TAIL)
            next = LM_MIN(next, next_frame_ns);
        if (next == LM_TIME_MAX)
            return;
        assert_true(next > sim->now_ns);
        sim->now_ns = next;
    }
}

static void start(struct sim *sim, const struct scenario *scenario, uint64_t seed)
{
    memset(sim, 0, sizeof *sim);
    sim->scenario = scenario;
    sim->random = seed;
    sim->now_ns = LM_NS_PER_S;
    sim->losing = FRAMES;
    sim_link_init(&sim->link, &scenario->link, seed ^ 0xabcdef);
    struct lm_sender_config send = {.packet_size = scenario->packet_size,
                                    .fec_percent = scenario->fec_percent,
                                    .min_parity = scenario->min_parity,
                                    .encrypt = scenario->encrypt,
                                    .key = "0123456789abcde",
                                    .max_frame_bytes = MAX_FRAME + 4 * 2048,
                                    .pace_bytes_per_s = 60 * 1000 * 1000,
                                    .burst_bytes = 32768};
    struct lm_receiver_config receive = {.packet_size = scenario->packet_size,
                                         .encrypted = scenario->encrypt,
                                         .key = "0123456789abcde",
                                         .max_frame_bytes = MAX_FRAME + 4 * 2048,
                                         .frames_in_flight = 8,
                                         .reorder_ns = scenario->link.jitter_ns + 1};
    assert_int_equal(lm_sender_create(&send, &sim->sender), 0);
    assert_int_equal(lm_receiver_create(&receive, &sim->receiver), 0);
    const uint8_t *key = scenario->encrypt ? send.key : NULL;
    assert_int_equal(lm_open_init(&sim->spy, scenario->packet_size, key), 0);
}

static void finish(struct sim *sim)
{
    lm_sender_destroy(sim->sender);
    lm_receiver_destroy(sim->receiver);
    lm_open_finish(&sim->spy);
    sim_link_finish(&sim->link);
    for (uint32_t i = 0; i <= FRAMES + TAIL; i++)
        free(sim->frames[i].data);
}

static void check_outcome(const struct sim *sim, uint64_t seed)
{
    uint32_t lost = 0;
    for (uint32_t i = 1; i <= FRAMES + TAIL; i++) {
        const struct sent_frame *f = &sim->frames[i];
        if (f->delivered + f->lost != 1)
            fail_msg("%s, seed %llu: frame %u has no outcome", sim->scenario->name,
                     (unsigned long long)seed, i);
        lost += f->lost;
        bool is_repairable = true;
        for (uint32_t b = 0; b < f->blocks; b++)
            if (f->block[b].arrived < f->block[b].needed)
                is_repairable = false;
        if (f->delivered != is_repairable)
            fail_msg("%s, seed %llu: frame %u was %s", sim->scenario->name,
                     (unsigned long long)seed, i, f->lost ? "lost" : "delivered");
    }
    struct lm_receiver_stats stats;
    lm_receiver_get_stats(sim->receiver, &stats);
    assert_int_equal(stats.frames_delivered, FRAMES + TAIL - lost);
    assert_int_equal(stats.frames_lost, lost);
    assert_int_equal(stats.events_dropped, 0);
    assert_int_equal(stats.overflow, 0);
    assert_int_equal(stats.datagrams, stats.accepted + stats.surplus + stats.late +
                                          stats.duplicate + stats.malformed + stats.unauthentic +
                                          stats.overflow);
    print_message("%-28s seed %llu: %llu of %llu datagrams lost, %llu shards repaired, %u of %d "
                  "frames lost\n",
                  sim->scenario->name, (unsigned long long)seed, (unsigned long long)sim->link.lost,
                  (unsigned long long)sim->link.sent, (unsigned long long)stats.shards_repaired,
                  lost, FRAMES + TAIL);
}

#define EVERYTHING                                                                                 \
    .delay_ns = 4000000, .jitter_ns = 3000000, .jitter_ppm = 200000, .loss_ppm = 30000,            \
    .burst_ppm = 5000, .burst_length = 10, .copy_ppm = 50000

static const struct scenario scenarios[] = {
    {"clean, slices", 1024, 20, 2, false, false, {.delay_ns = 5000000}},
    {"clean, whole, sealed", 1024, 20, 2, true, true, {.delay_ns = 5000000}},
    {"1 percent, slices", 1024, 20, 2, false, false, {.delay_ns = 9000000, .loss_ppm = 10000}},
    {"10 percent, sealed", 1392, 20, 2, true, false, {.delay_ns = 9000000, .loss_ppm = 100000}},
    {"10 percent, whole", 512, 20, 2, false, true, {.delay_ns = 9000000, .loss_ppm = 100000}},
    {"30 percent, much parity",
     256,
     100,
     4,
     true,
     false,
     {.delay_ns = 20000000, .loss_ppm = 300000}},
    {"bursts",
     1024,
     20,
     2,
     false,
     false,
     {.delay_ns = 3000000, .burst_ppm = 20000, .burst_length = 6}},
    {"long bursts, sealed",
     1024,
     50,
     2,
     true,
     true,
     {.delay_ns = 3000000, .burst_ppm = 3000, .burst_length = 80}},
    {"no parity", 1024, 0, 0, false, false, {.delay_ns = 3000000, .loss_ppm = 5000}},
    {"reordering",
     1024,
     20,
     2,
     false,
     false,
     {.delay_ns = 3000000, .jitter_ns = 3000000, .jitter_ppm = 300000}},
    {"reordering and copies",
     256,
     20,
     2,
     true,
     false,
     {.delay_ns = 3000000, .jitter_ns = 2000000, .jitter_ppm = 900000, .copy_ppm = 200000}},
    {"everything, sealed", 512, 20, 2, true, false, {EVERYTHING, .damage_ppm = 100000}},
    {"everything, whole, sealed", 1024, 30, 2, true, true, {EVERYTHING, .damage_ppm = 100000}},
    {"everything, clear", 512, 20, 2, false, false, {EVERYTHING}},
};

static void what_can_be_repaired_arrives_and_the_rest_is_declared_lost(void **state)
{
    static struct sim sim;
    uint64_t seed = seed_of_run();
    for (size_t i = 0; i < LM_ARRAY_LEN(scenarios); i++) {
        start(&sim, &scenarios[i], seed + i);
        run_until_quiet(&sim);
        check_outcome(&sim, seed);
        finish(&sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_be_repaired_arrives_and_the_rest_is_declared_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
