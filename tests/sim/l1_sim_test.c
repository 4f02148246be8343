/* lumen/1 video, sender to receiver over a simulated link. The test sees each datagram's fate, so
 * it knows of every frame whether it can be repaired: exactly those must come out, bit by bit, all
 * others must be declared lost, exactly once. LUMEN_SIM_SEED=n repeats a run. */
#include "sim_link.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/crypto/aead.h"
#include "core/recv/l1_receiver.h"
#include "core/send/l1_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum {
    FRAMES = 300,
    TAIL = 3, /* frames at the end that lose nothing, so that what is lost before shows */
    MAX_FRAME = 300000,
    MAX_BLOCKS = 64,
    SESSION = 0x1234567,
};

#define INTERVAL_NS (8 * LM_NS_PER_MS)

struct scenario {
    const char *name;
    uint32_t shard_bytes;
    enum lm_l1_code code;
    uint32_t percent, max_data, pushes;
    bool contiguous, encrypt;
    struct sim_link_params link;
};

/* What was sent as frame `index`, and what of it arrives. */
struct sent_frame {
    uint8_t *data;
    size_t size_bytes;
    uint32_t flags;
    uint32_t blocks;
    struct {
        uint32_t needed, arrived;
    } block[MAX_BLOCKS];
    bool delivered, lost;
};

struct sim {
    const struct scenario *scenario;
    uint64_t random, now_ns;
    struct sim_link link;
    struct lm_l1_sender *sender;
    struct lm_l1_receiver *receiver;
    struct lm_aead *spy; /* reads what the sender sends */
    uint8_t salt[LM_L1_SALT_BYTES];
    struct sent_frame frames[FRAMES + TAIL + 1]; /* by index, from 1 */
    uint32_t begun;
};

static uint64_t seed_of_run(void)
{
    const char *text = getenv("LUMEN_SIM_SEED");
    return text ? strtoull(text, NULL, 0) : UINT64_C(20240609);
}

static uint64_t below(struct sim *sim, uint64_t limit)
{
    return sim_random(&sim->random) % limit;
}

/* Pushes one frame, in parts, and writes down what must come out. */
static void push_frame(struct sim *sim)
{
    uint64_t kind = below(sim, 16);
    struct sent_frame *f = &sim->frames[++sim->begun];
    f->size_bytes = 1 + below(sim, kind == 0 ? MAX_FRAME - 1 : kind < 5 ? 2000 : 60000);
    f->flags = (uint32_t)below(sim, 8);
    f->data = malloc(f->size_bytes);
    LM_CHECK(f->data);
    for (size_t i = 0; i < f->size_bytes; i++)
        f->data[i] = (uint8_t)(sim->begun * 77 + i * 13 + i / 251);
    struct lm_l1_frame_begin begin = {
        .capture_ns = sim->now_ns, .flags = f->flags, .now_ns = sim->now_ns};
    assert_int_equal(lm_l1_sender_next_frame(sim->sender), sim->begun);
    assert_int_equal(lm_l1_sender_begin(sim->sender, &begin), 0);
    uint32_t pushes = 1 + (uint32_t)below(sim, sim->scenario->pushes);
    for (uint32_t p = 0, at = 0; p < pushes; p++) {
        size_t left = f->size_bytes - at;
        size_t part = p + 1 == pushes ? left : below(sim, left / (pushes - p) + 1);
        struct lm_piece piece = {f->data + at, part};
        assert_int_equal(
            lm_l1_sender_push(sim->sender, &piece, part > 0, p + 1 == pushes, sim->now_ns), 0);
        at += (uint32_t)part;
    }
}

/* Writes down how many shards the datagram's block needs, and whether this one arrives. */
static void note_fate(struct sim *sim, const uint8_t *datagram, size_t size_bytes, bool arrives)
{
    uint8_t copy[SIM_LINK_DATAGRAM_BYTES], nonce[LM_L1_NONCE_BYTES];
    struct lm_l1_header header;
    struct lm_l1_video v;
    memcpy(copy, datagram, size_bytes);
    assert_int_equal(lm_l1_parse_header(copy, size_bytes, &header), 0);
    if (sim->spy) {
        lm_l1_write_nonce(nonce, sim->salt, header.sequence);
        size_bytes -= LM_L1_TAG_BYTES;
        struct lm_aead_message message = {nonce,
                                          sizeof nonce,
                                          copy,
                                          LM_L1_HEADER_BYTES,
                                          copy + LM_L1_HEADER_BYTES,
                                          size_bytes - LM_L1_HEADER_BYTES,
                                          copy + size_bytes};
        assert_int_equal(lm_aead_open_message(sim->spy, &message), 0);
    }
    assert_int_equal(lm_l1_parse_video(copy + LM_L1_HEADER_BYTES, size_bytes - LM_L1_HEADER_BYTES,
                                       sim->scenario->shard_bytes, &v),
                     0);
    struct sent_frame *f = &sim->frames[v.frame];
    assert_true(v.frame <= sim->begun && v.block < MAX_BLOCKS);
    f->block[v.block].needed = v.data_shards;
    f->block[v.block].arrived += arrives;
    f->blocks = LM_MAX(f->blocks, v.block + 1u);
}

static void send_batches(struct sim *sim, uint64_t *wake_at)
{
    struct lm_batch batch;
    while (lm_l1_sender_pull(sim->sender, sim->now_ns, &batch, wake_at) == 1) {
        if (batch.frame_index > FRAMES)
            sim_link_calm(&sim->link);
        for (uint32_t i = 0; i < batch.segments; i++) {
            const uint8_t *at = batch.data + i * batch.segment_bytes;
            bool arrives = sim_link_send(&sim->link, at, batch.segment_bytes, sim->now_ns);
            note_fate(sim, at, batch.segment_bytes, arrives);
        }
        lm_l1_sender_done(sim->sender, batch.segments, sim->now_ns);
    }
}

static void take_frames(struct sim *sim)
{
    struct lm_l1_received_frame got;
    struct lm_loss loss;
    while (lm_l1_receiver_pop(sim->receiver, sim->now_ns, &got)) {
        assert_in_range(got.frame_index, 1, sim->begun);
        struct sent_frame *f = &sim->frames[got.frame_index];
        assert_false(f->delivered || f->lost);
        f->delivered = true;
        assert_int_equal(got.size_bytes, f->size_bytes);
        assert_memory_equal(got.data, f->data, f->size_bytes);
        assert_int_equal(got.header.flags, f->flags);
    }
    while (lm_l1_receiver_pop_loss(sim->receiver, &loss)) {
        assert_true(loss.first <= loss.last && loss.last <= sim->begun);
        for (uint32_t i = loss.first; i <= loss.last; i++) {
            assert_false(sim->frames[i].delivered || sim->frames[i].lost);
            sim->frames[i].lost = true;
        }
    }
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
            lm_l1_receiver_push(sim->receiver, datagram, size_bytes, sim->now_ns);
            take_frames(sim);
        }
        take_frames(sim);
        uint64_t next = LM_MIN(wake_at, sim_link_next_ns(&sim->link));
        next = LM_MIN(next, lm_l1_receiver_wake_at(sim->receiver));
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
    sim_link_init(&sim->link, &scenario->link, seed ^ 0xabcdef);
    struct lm_l1_sender_config send = {.session_id = SESSION,
                                       .shard_bytes = scenario->shard_bytes,
                                       .code = scenario->code,
                                       .fec_percent = scenario->percent,
                                       .max_data_per_block = scenario->max_data,
                                       .contiguous = scenario->contiguous,
                                       .encrypt = scenario->encrypt,
                                       .key = "0123456789abcde",
                                       .salt = "abc",
                                       .max_frame_bytes = MAX_FRAME,
                                       .max_pushes = scenario->pushes,
                                       .pace_bytes_per_s = 100 * 1000 * 1000,
                                       .burst_bytes = 32768};
    struct lm_l1_receiver_config receive = {.session_id = SESSION,
                                            .shard_bytes = scenario->shard_bytes,
                                            .encrypted = scenario->encrypt,
                                            .key = "0123456789abcde",
                                            .salt = "abc",
                                            .max_frame_bytes = MAX_FRAME,
                                            .max_fec_percent = scenario->percent,
                                            .frames_in_flight = 8,
                                            .reorder_ns = scenario->link.jitter_ns + 1};
    memcpy(sim->salt, send.salt, sizeof sim->salt);
    assert_int_equal(lm_l1_sender_create(&send, &sim->sender), 0);
    assert_int_equal(lm_l1_receiver_create(&receive, &sim->receiver), 0);
    if (scenario->encrypt)
        assert_int_equal(lm_aead_create(&sim->spy, send.key, LM_AEAD_ANY), 0);
}

static void finish(struct sim *sim)
{
    lm_l1_sender_destroy(sim->sender);
    lm_l1_receiver_destroy(sim->receiver);
    lm_aead_destroy(sim->spy);
    sim_link_finish(&sim->link);
    for (uint32_t i = 0; i <= FRAMES + TAIL; i++)
        free(sim->frames[i].data);
}

static bool is_repairable(const struct sent_frame *f)
{
    for (uint32_t b = 0; b < f->blocks; b++)
        if (f->block[b].arrived < f->block[b].needed)
            return false;
    return true;
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
        if (f->delivered != is_repairable(f))
            fail_msg("%s, seed %llu: frame %u was %s", sim->scenario->name,
                     (unsigned long long)seed, i, f->lost ? "lost" : "delivered");
    }
    struct lm_l1_receiver_stats stats;
    lm_l1_receiver_get_stats(sim->receiver, &stats);
    assert_int_equal(stats.frames_delivered, FRAMES + TAIL - lost);
    assert_int_equal(stats.frames_lost, lost);
    assert_int_equal(stats.events_dropped, 0);
    assert_int_equal(stats.overflow, 0);
    assert_true(sim->scenario->link.damage_ppm || stats.malformed + stats.unauthentic == 0);
    assert_int_equal(stats.datagrams, stats.accepted + stats.surplus + stats.late +
                                          stats.duplicate + stats.malformed + stats.unauthentic +
                                          stats.overflow);
    print_message("%-32s seed %llu: %llu of %llu datagrams lost, %llu shards repaired, %u of %d "
                  "frames lost\n",
                  sim->scenario->name, (unsigned long long)seed, (unsigned long long)sim->link.lost,
                  (unsigned long long)sim->link.sent, (unsigned long long)stats.shards_repaired,
                  lost, FRAMES + TAIL);
}

#define JITTER(ns, ppm) .delay_ns = 4000000, .jitter_ns = ns, .jitter_ppm = ppm
#define EVERYTHING                                                                                 \
    JITTER(3000000, 200000), .loss_ppm = 30000, .burst_ppm = 3000, .burst_length = 10,             \
                             .copy_ppm = 50000

static const struct scenario scenarios[] = {
    {"clean, GF8", 1344, LM_L1_CODE_GF8, 20, 0, 1, false, false, {.delay_ns = 5000000}},
    {"clean, GF16, sealed", 1344, LM_L1_CODE_GF16, 20, 0, 4, false, true, {.delay_ns = 5000000}},
    {"no parity", 1024, LM_L1_CODE_NONE, 0, 0, 1, false, true, {JITTER(0, 0), .loss_ppm = 2000}},
    {"2 percent, GF8, parts",
     512,
     LM_L1_CODE_GF8,
     20,
     0,
     4,
     false,
     true,
     {JITTER(0, 0), .loss_ppm = 20000}},
    {"10 percent, GF16",
     1344,
     LM_L1_CODE_GF16,
     30,
     0,
     1,
     false,
     false,
     {JITTER(0, 0), .loss_ppm = 100000}},
    {"10 percent, GF16, parts",
     512,
     LM_L1_CODE_GF16,
     20,
     60,
     6,
     false,
     true,
     {JITTER(0, 0), .loss_ppm = 100000}},
    {"30 percent, much parity",
     512,
     LM_L1_CODE_GF8,
     100,
     40,
     2,
     false,
     true,
     {JITTER(0, 0), .loss_ppm = 300000}},
    {"bursts, contiguous GF8",
     512,
     LM_L1_CODE_GF8,
     20,
     50,
     1,
     true,
     false,
     {JITTER(0, 0), .burst_ppm = 2000, .burst_length = 30}},
    {"bursts, interleaved GF8",
     512,
     LM_L1_CODE_GF8,
     20,
     50,
     1,
     false,
     false,
     {JITTER(0, 0), .burst_ppm = 2000, .burst_length = 30}},
    {"bursts, GF16",
     512,
     LM_L1_CODE_GF16,
     20,
     0,
     1,
     false,
     true,
     {JITTER(0, 0), .burst_ppm = 2000, .burst_length = 30}},
    {"reordering", 1024, LM_L1_CODE_GF8, 20, 30, 3, false, false, {JITTER(3000000, 300000)}},
    {"reordering and copies",
     512,
     LM_L1_CODE_GF16,
     20,
     0,
     3,
     true,
     true,
     {JITTER(2000000, 900000), .copy_ppm = 200000}},
    {"everything, GF8, sealed",
     512,
     LM_L1_CODE_GF8,
     25,
     0,
     5,
     false,
     true,
     {EVERYTHING, .damage_ppm = 100000}},
    {"everything, GF8, contiguous",
     1344,
     LM_L1_CODE_GF8,
     25,
     24,
     1,
     true,
     true,
     {EVERYTHING, .damage_ppm = 100000}},
    {"everything, GF16, sealed",
     1344,
     LM_L1_CODE_GF16,
     25,
     0,
     1,
     false,
     true,
     {EVERYTHING, .damage_ppm = 100000}},
    {"everything, clear", 512, LM_L1_CODE_GF8, 25, 30, 3, false, false, {EVERYTHING}},
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
