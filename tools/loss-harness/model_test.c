/* The models do what they say: means over many datagrams, fixed seeds. */
#include "model.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { MANY = 1000000, SEED = 7 };

struct counted {
    double loss, burst; /* mean share, mean length */
    uint64_t lost;
};

static struct counted count(struct model_chain *chain, uint64_t packets)
{
    uint64_t lost = 0, bursts = 0;
    bool was_lost = false;
    for (uint64_t i = 0; i < packets; i++) {
        struct model_packet packet = {.size_bytes = 1000, .at_ns = i * 1000};
        bool is_lost = !model_chain_pass(chain, &packet);
        lost += is_lost;
        bursts += is_lost && !was_lost;
        was_lost = is_lost;
    }
    return (struct counted){(double)lost / (double)packets,
                            bursts ? (double)lost / (double)bursts : 0, lost};
}

static void assert_near(double value, double wanted, double tolerance)
{
    if (fabs(value - wanted) > tolerance * wanted)
        fail_msg("%g is not within %g %% of %g", value, 100 * tolerance, wanted);
}

static void independent_loss_has_its_mean(void **state)
{
    static const double losses[] = {0.001, 0.02, 0.12, 0.5};
    for (size_t i = 0; i < LM_ARRAY_LEN(losses); i++) {
        struct model_chain chain = {0};
        model_add_independent(&chain, losses[i], SEED);
        struct counted c = count(&chain, MANY);
        assert_near(c.loss, losses[i], 0.1);
        /* Each for itself: runs are geometric. */
        assert_near(c.burst, 1 / (1 - losses[i]), 0.02);
    }
}

static void bursts_have_their_mean_loss_and_length(void **state)
{
    static const struct {
        double loss, burst;
    } rows[] = {{0.005, 10}, {0.02, 30}, {0.05, 3}, {0.2, 100}, {0.5, 8}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct model_chain chain = {0};
        model_add_bursts(&chain, rows[i].loss, rows[i].burst, SEED);
        struct counted c = count(&chain, 4 * MANY);
        assert_near(c.loss, rows[i].loss, 0.1);
        assert_near(c.burst, rows[i].burst, 0.05);
    }
}

static void same_seed_has_the_same_fates(void **state)
{
    struct model_chain a = {0}, b = {0}, c = {0};
    bool differs = false;
    model_add_bursts(&a, 0.1, 5, SEED);
    model_add_bursts(&b, 0.1, 5, SEED);
    model_add_bursts(&c, 0.1, 5, SEED + 1);
    for (int i = 0; i < 10000; i++) {
        struct model_packet packet = {.size_bytes = 1};
        bool fate = model_chain_pass(&a, &packet);
        assert_int_equal(model_chain_pass(&b, &packet), fate);
        differs |= model_chain_pass(&c, &packet) != fate;
    }
    assert_true(differs);
}

static void queue_sends_at_its_rate(void **state)
{
    struct model_chain chain = {0};
    uint64_t size_bytes = 1000 - MODEL_IP_UDP_BYTES;
    model_add_queue(&chain, 8000000, 0); /* a millisecond for 1000 bytes */
    for (uint64_t i = 1; i <= 100; i++) {
        struct model_packet packet = {.size_bytes = size_bytes, .at_ns = LM_NS_PER_S};
        assert_true(model_chain_pass(&chain, &packet));
        assert_int_equal(packet.at_ns, LM_NS_PER_S + i * LM_NS_PER_MS);
    }
    struct model_packet late = {.size_bytes = size_bytes, .at_ns = 5 * LM_NS_PER_S};
    assert_true(model_chain_pass(&chain, &late));
    assert_int_equal(late.at_ns, 5 * LM_NS_PER_S + LM_NS_PER_MS);
}

static void queue_drops_what_does_not_fit(void **state)
{
    struct model_chain chain = {0};
    uint64_t passed = 0;
    model_add_queue(&chain, 8000000, 10000);
    for (int i = 0; i < 50; i++) {
        struct model_packet packet = {.size_bytes = 1000 - MODEL_IP_UDP_BYTES};
        passed += model_chain_pass(&chain, &packet);
    }
    assert_int_equal(passed, 10);
    assert_int_equal(chain.models[0].lost, 40);
    /* After 4 ms there is room for four again. */
    for (int i = 0; i < 50; i++) {
        struct model_packet packet = {.size_bytes = 1000 - MODEL_IP_UDP_BYTES,
                                      .at_ns = 4 * LM_NS_PER_MS};
        passed += model_chain_pass(&chain, &packet);
    }
    assert_int_equal(passed, 14);
}

static void delays_stay_within_their_bounds(void **state)
{
    struct model_chain chain = {0};
    uint64_t late = 0, twice = 0;
    model_add_duplicate(&chain, 0.25, LM_NS_PER_MS, SEED);
    model_add_reorder(&chain, 0.1, LM_NS_PER_MS, SEED);
    for (int i = 0; i < MANY; i++) {
        struct model_packet packet = {.size_bytes = 1, .at_ns = LM_NS_PER_S};
        assert_true(model_chain_pass(&chain, &packet));
        assert_true(packet.at_ns <= LM_NS_PER_S + LM_NS_PER_MS);
        assert_true(packet.copy_at_ns == 0 || packet.copy_at_ns > LM_NS_PER_S);
        assert_true(packet.copy_at_ns <= LM_NS_PER_S + LM_NS_PER_MS);
        late += packet.at_ns > LM_NS_PER_S;
        twice += packet.copy_at_ns > 0;
    }
    assert_near((double)late / MANY, 0.1, 0.02);
    assert_near((double)twice / MANY, 0.25, 0.02);
}

static void trace_repeats_as_recorded(void **state)
{
    struct trace_run runs[] = {{5, false}, {2, true}, {3, false}, {1, true}};
    struct trace trace = {.runs = runs, .count = 4, .packets = 11, .lost = 3, .bursts = 2};
    bool first[11];
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct model_chain chain = {0};
        model_add_trace(&chain, &trace, seed);
        uint64_t lost = 0;
        for (int i = 0; i < 1100; i++) {
            struct model_packet packet = {.size_bytes = 1};
            bool arrived = model_chain_pass(&chain, &packet);
            if (i < 11)
                first[i] = arrived;
            assert_int_equal(arrived, first[i % 11]);
            lost += !arrived;
        }
        assert_int_equal(lost, 300);
    }
}

static void lost_packets_skip_later_models(void **state)
{
    struct model_chain chain = {0};
    model_add_independent(&chain, 1, SEED);
    model_add_independent(&chain, 0.5, SEED);
    assert_int_equal(count(&chain, 100).lost, 100);
    assert_int_equal(chain.models[0].lost, 100);
    assert_int_equal(chain.models[1].passed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(independent_loss_has_its_mean),
        cmocka_unit_test(bursts_have_their_mean_loss_and_length),
        cmocka_unit_test(same_seed_has_the_same_fates),
        cmocka_unit_test(queue_sends_at_its_rate),
        cmocka_unit_test(queue_drops_what_does_not_fit),
        cmocka_unit_test(delays_stay_within_their_bounds),
        cmocka_unit_test(trace_repeats_as_recorded),
        cmocka_unit_test(lost_packets_skip_later_models),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
