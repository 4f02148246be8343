/* Audio sender to receiver over a simulated link. Without reordering it is known of every packet
 * whether it can be repaired; with it, what comes out is right and each packet comes out once.
 * LUMEN_SIM_SEED=n repeats a run. */
#include "sim_link.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/recv/audio_receiver.h"
#include "core/send/audio_sender.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

enum { PACKETS = 8000, TAIL = 8, OPUS = 120, FIRST = 64000, DURATION_MS = 5 };

struct scenario {
    const char *name;
    bool encrypt;
    struct sim_link_params link;
};

struct sim {
    const struct scenario *scenario;
    uint64_t now_ns;
    struct sim_link link;
    struct lm_audio_sender *sender;
    struct lm_audio_receiver *receiver;
    uint8_t arrived[(PACKETS + TAIL) / 4 + 1][6];
    uint32_t next, lost, wrong; /* delivered so far; wrong: lost although repairable */
};

static void opus_of(uint32_t number, uint8_t out[OPUS])
{
    uint64_t random = number;
    for (int i = 0; i < OPUS; i++)
        out[i] = (uint8_t)sim_random(&random);
}

static bool is_repairable(const struct sim *sim, uint32_t number)
{
    const uint8_t *arrived = sim->arrived[number / 4];
    uint32_t count = 0;
    for (int i = 0; i < 6; i++)
        count += arrived[i];
    return count >= 4 || arrived[number % 4];
}

static void take_packets(struct sim *sim)
{
    struct lm_audio_packet p;
    while (lm_audio_receiver_pop(sim->receiver, sim->now_ns, &p)) {
        assert_true(sim->next < PACKETS + TAIL);
        assert_int_equal(p.sequence, (uint16_t)(FIRST + sim->next));
        assert_int_equal(p.timestamp_ms, sim->next * DURATION_MS);
        if (p.data) {
            uint8_t opus[OPUS];
            opus_of(sim->next, opus);
            assert_int_equal(p.size_bytes, OPUS);
            assert_memory_equal(p.data, opus, OPUS);
        } else {
            sim->lost++;
            sim->wrong += is_repairable(sim, sim->next);
        }
        sim->next++;
    }
}

static void push_packet(struct sim *sim, uint32_t number)
{
    uint8_t opus[OPUS];
    struct lm_batch batch;
    opus_of(number, opus);
    assert_int_equal(lm_audio_sender_push(sim->sender, opus, OPUS, sim->now_ns), 0);
    while (lm_audio_sender_pull(sim->sender, &batch)) {
        for (uint32_t i = 0; i < batch.segments; i++) {
            const uint8_t *at = batch.data + i * batch.segment_bytes;
            uint32_t shard = batch.block ? 4 + i : number % 4;
            sim->arrived[number / 4][shard] =
                sim_link_send(&sim->link, at, batch.segment_bytes, sim->now_ns);
        }
        lm_audio_sender_done(sim->sender, batch.segments);
    }
}

static void receive_until(struct sim *sim, uint64_t until_ns)
{
    for (;;) {
        uint64_t next =
            LM_MIN(sim_link_next_ns(&sim->link), lm_audio_receiver_wake_at(sim->receiver));
        if (next > until_ns)
            break;
        sim->now_ns = LM_MAX(next, sim->now_ns);
        if (sim_link_next_ns(&sim->link) <= sim->now_ns) {
            uint8_t datagram[SIM_LINK_DATAGRAM_BYTES];
            size_t size_bytes = sim_link_receive(&sim->link, datagram);
            lm_audio_receiver_push(sim->receiver, datagram, size_bytes, sim->now_ns);
        }
        take_packets(sim);
    }
    sim->now_ns = until_ns;
}

static void run(struct sim *sim, const struct scenario *scenario, uint64_t seed)
{
    memset(sim, 0, sizeof *sim);
    sim->scenario = scenario;
    sim->now_ns = LM_NS_PER_S;
    sim_link_init(&sim->link, &scenario->link, seed);
    struct lm_audio_sender_config send = {.packet_duration_ms = DURATION_MS,
                                          .fec = true,
                                          .encrypt = scenario->encrypt,
                                          .rikeyid = 0xffff8000,
                                          .first_sequence = FIRST};
    struct lm_audio_receiver_config receive = {
        .encrypted = scenario->encrypt, .rikeyid = 0xffff8000, .packet_duration_ms = DURATION_MS};
    assert_int_equal(lm_audio_sender_create(&send, &sim->sender), 0);
    assert_int_equal(lm_audio_receiver_create(&receive, &sim->receiver), 0);
    for (uint32_t n = 0; n < PACKETS + TAIL; n++) {
        /* The first arrives, so that the stream begins there; the last do, so that losses show. */
        if (n == 0 || n == PACKETS)
            sim_link_calm(&sim->link);
        else if (n == 8)
            sim->link.params = scenario->link;
        push_packet(sim, n);
        receive_until(sim, sim->now_ns + DURATION_MS * LM_NS_PER_MS);
    }
    receive_until(sim, sim->now_ns + LM_NS_PER_S);
}

static void finish(struct sim *sim)
{
    lm_audio_sender_destroy(sim->sender);
    lm_audio_receiver_destroy(sim->receiver);
    sim_link_finish(&sim->link);
}

static const struct scenario scenarios[] = {
    {"clean", false, {.delay_ns = 5000000}},
    {"10 percent", false, {.delay_ns = 5000000, .loss_ppm = 100000}},
    {"10 percent, encrypted", true, {.delay_ns = 5000000, .loss_ppm = 100000}},
    {"bursts", true, {.delay_ns = 5000000, .burst_ppm = 10000, .burst_length = 3}},
    {"copies", false, {.delay_ns = 5000000, .loss_ppm = 50000, .copy_ppm = 300000}},
    {"reordering",
     true,
     {.delay_ns = 5000000, .jitter_ns = 9000000, .jitter_ppm = 200000, .loss_ppm = 10000}},
};

static void packets_come_once_in_order_and_right(void **state)
{
    static struct sim sim;
    const char *text = getenv("LUMEN_SIM_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : UINT64_C(20240608);
    for (size_t i = 0; i < LM_ARRAY_LEN(scenarios); i++) {
        run(&sim, &scenarios[i], seed + i);
        struct lm_audio_receiver_stats stats;
        lm_audio_receiver_get_stats(sim.receiver, &stats);
        print_message("%-24s seed %llu: %u lost, %llu repaired, %u given up too early\n",
                      scenarios[i].name, (unsigned long long)seed, sim.lost,
                      (unsigned long long)stats.repaired, sim.wrong);
        assert_int_equal(sim.next, PACKETS + TAIL);
        /* Reordering is believed only once seen, and for ten seconds: few are given up early. */
        assert_true(sim.wrong <= (scenarios[i].link.jitter_ppm ? 20 : 0));
        finish(&sim);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(packets_come_once_in_order_and_right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
