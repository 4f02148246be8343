#include "host/cadence.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>

#include <cmocka.h>

/* A source with a picture every `step_ns` (plus jitter); the newest at or after ready is taken. */
static unsigned frames_taken(uint32_t mhz, uint64_t step_ns, uint64_t jitter_ns, uint64_t length_ns,
                             uint64_t *longest_ns)
{
    struct cadence c;
    cadence_init(&c, mhz);
    unsigned taken = 0;
    uint64_t last = 0;
    bool skipped = false;
    srand(1);
    *longest_ns = 0;
    for (uint64_t at = LM_NS_PER_S; at < LM_NS_PER_S + length_ns; at += step_ns) {
        uint64_t now = at + (jitter_ns ? (uint64_t)rand() % jitter_ns : 0);
        uint64_t ready = cadence_ready_ns(&c);
        uint64_t when = now >= ready ? now : ready; /* it waits as the newest */
        if (when >= at + step_ns && when > now) {
            skipped = true; /* a newer one replaced it */
            continue;
        }
        cadence_take(&c, when, skipped ? 0 : when - now);
        skipped = false;
        if (taken++ && when - last > *longest_ns)
            *longest_ns = when - last;
        last = when;
    }
    return taken;
}

static void source_at_the_rate_passes_whole(void **state)
{
    static const uint32_t rates[] = {60000, 59940, 90000, 120000, 144000, 30000};
    for (size_t i = 0; i < LM_ARRAY_LEN(rates); i++) {
        uint64_t period = UINT64_C(1000000000000) / rates[i], longest;
        unsigned n = frames_taken(rates[i], period, period / 5, 20 * LM_NS_PER_S, &longest);
        assert_in_range(n, 20 * rates[i] / 1000, 20 * rates[i] / 1000 + 1);
        assert_true(longest < period + period / 4);
    }
}

static void faster_source_is_thinned_to_the_exact_rate(void **state)
{
    uint64_t longest;
    unsigned n = frames_taken(60000, LM_NS_PER_MS, 0, 20 * LM_NS_PER_S, &longest);
    assert_in_range(n, 1199, 1202);
    n = frames_taken(59940, LM_NS_PER_MS, 0, 100 * LM_NS_PER_S, &longest);
    assert_in_range(n, 5993, 5996);
}

static void picture_after_a_pause_goes_at_once(void **state)
{
    struct cadence c;
    cadence_init(&c, 60000);
    cadence_take(&c, 1000 * LM_NS_PER_MS, 0);
    assert_true(cadence_ready_ns(&c) <= 1017 * LM_NS_PER_MS);
    assert_true(cadence_ready_ns(&c) >= 1012 * LM_NS_PER_MS);
    cadence_take(&c, 5000 * LM_NS_PER_MS, 0);
    assert_true(cadence_ready_ns(&c) >= 5012 * LM_NS_PER_MS);
}

/* The first frame went out at a time that says nothing about the source. */
static void same_rate_at_another_phase_stops_waiting(void **state)
{
    struct cadence c;
    cadence_init(&c, 60000);
    uint64_t period = c.period_ns, at = LM_NS_PER_S, waited = period;
    cadence_take(&c, at, 0);
    at += period / 3;
    for (int i = 0; i < 90; i++, at += period) {
        uint64_t now = LM_MAX(at, cadence_ready_ns(&c));
        waited = now - at;
        cadence_take(&c, now, waited);
    }
    assert_true(waited < 10); /* the test leaves out the fraction of the period */
}

static void fractions_add_up(void **state)
{
    struct cadence c;
    cadence_init(&c, 59940);
    uint64_t now = LM_NS_PER_S;
    cadence_take(&c, now, 0);
    uint64_t start = c.due_ns;
    for (int i = 0; i < 59940; i++)
        cadence_take(&c, c.due_ns, 0);
    assert_int_equal(c.due_ns - start, 1000 * LM_NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_at_the_rate_passes_whole),
        cmocka_unit_test(faster_source_is_thinned_to_the_exact_rate),
        cmocka_unit_test(picture_after_a_pause_goes_at_once),
        cmocka_unit_test(same_rate_at_another_phase_stops_waiting),
        cmocka_unit_test(fractions_add_up),
    };
    return cmocka_run_group_tests_name("cadence", tests, NULL, NULL);
}
