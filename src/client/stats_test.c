#include "client/stats.h"

#include "core/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

static struct stats_spread spread;
static struct stats_cadence cadence;
static struct stats_pattern pattern;
static struct stats_tone tone;

static void assert_near(double value, double expected, double tolerance)
{
    if (fabs(value - expected) > tolerance)
        fail_msg("%f is not within %f of %f", value, tolerance, expected);
}

static void percentiles_are_right_to_one_step(void **state)
{
    memset(&spread, 0, sizeof spread);
    assert_near(stats_spread_ms(&spread, 0.5), 0, 0);
    for (uint64_t i = 1; i <= 1000; i++)
        stats_spread_add(&spread, i * 100 * LM_NS_PER_US); /* 0.1 .. 100 ms */
    assert_near(stats_spread_ms(&spread, 0.5), 50, 0.021);
    assert_near(stats_spread_ms(&spread, 0.99), 99, 0.021);
    assert_near(stats_spread_ms(&spread, 0), 0.1, 0.021);
    assert_near(stats_spread_ms(&spread, 1), 100, 0.021);
    assert_near(stats_spread_mean_ms(&spread), 50.05, 0.001);
}

static void long_durations_are_kept_as_the_last_step(void **state)
{
    memset(&spread, 0, sizeof spread);
    stats_spread_add(&spread, 5 * LM_NS_PER_S);
    assert_int_equal(spread.max_us, 5000000);
    assert_near(stats_spread_ms(&spread, 0.5), 1000, 1);
}

static void intervals_are_sorted_by_missed_frames(void **state)
{
    stats_cadence_init(&cadence, 50000); /* 20 ms */
    static const uint64_t at_ms[] = {100, 120, 140, 145, 160, 200, 260, 280};
    for (size_t i = 0; i < sizeof at_ms / sizeof at_ms[0]; i++)
        stats_cadence_add(&cadence, at_ms[i] * LM_NS_PER_MS);
    assert_int_equal(cadence.early, 1);   /* 5 */
    assert_int_equal(cadence.on_time, 4); /* 20 20 15 20 */
    assert_int_equal(cadence.late, 1);    /* 40 */
    assert_int_equal(cadence.missed, 1);  /* 60 */
}

static void pattern_counts_doubles_gaps_and_disorder(void **state)
{
    memset(&pattern, 0, sizeof pattern);
    static const uint32_t counters[] = {5, 6, 6, 9, 8, 10};
    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        struct stamp stamp = {counters[i], 1000000};
        stats_pattern_add(&pattern, &stamp, 1000000 + 7 * LM_NS_PER_MS);
    }
    stats_pattern_add(&pattern, NULL, 0);
    assert_int_equal(pattern.read, 6);
    assert_int_equal(pattern.unreadable, 1);
    assert_int_equal(pattern.distinct, 4);
    assert_int_equal(pattern.doubles, 1);
    assert_int_equal(pattern.skipped, 2);
    assert_int_equal(pattern.out_of_order, 1);
    assert_near(stats_spread_ms(&pattern.age, 0.5), 7, 0.021);
    assert_int_equal(pattern.age.count, 3);
}

static void pattern_counter_wraps(void **state)
{
    memset(&pattern, 0, sizeof pattern);
    struct stamp before = {UINT32_MAX, 0}, after = {0, 0};
    stats_pattern_add(&pattern, &before, 1);
    stats_pattern_add(&pattern, &after, 1);
    assert_int_equal(pattern.distinct, 2);
    assert_int_equal(pattern.skipped, 0);
}

static void add_sine(double hz, double amplitude, uint32_t count)
{
    float samples[2 * 240];
    for (uint32_t done = 0; done < count; done += 240) {
        for (uint32_t i = 0; i < 240; i++) {
            samples[2 * i] = (float)(amplitude * sin(2 * M_PI * hz * (done + i) / 48000));
            samples[2 * i + 1] = 0;
        }
        stats_tone_add(&tone, samples, 2, 240);
    }
}

static void pitch_and_loudness_are_measured(void **state)
{
    static const double pitches[] = {100, 440, 440.4, 997, 12000};
    for (size_t i = 0; i < sizeof pitches / sizeof pitches[0]; i++) {
        memset(&tone, 0, sizeof tone);
        add_sine(pitches[i], 0.5, 48000);
        assert_near(stats_tone_hz(&tone, 48000), pitches[i], 0.2);
        assert_near(stats_tone_rms(&tone, 0), 0.5 / sqrt(2), 0.001);
        assert_near(stats_tone_rms(&tone, 1), 0, 0);
    }
}

static void silence_and_short_sound_have_no_pitch(void **state)
{
    memset(&tone, 0, sizeof tone);
    add_sine(440, 0.5, 4800);
    assert_near(stats_tone_hz(&tone, 48000), 0, 0);
    memset(&tone, 0, sizeof tone);
    add_sine(440, 0, 48000);
    assert_near(stats_tone_hz(&tone, 48000), 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles_are_right_to_one_step),
        cmocka_unit_test(long_durations_are_kept_as_the_last_step),
        cmocka_unit_test(intervals_are_sorted_by_missed_frames),
        cmocka_unit_test(pattern_counts_doubles_gaps_and_disorder),
        cmocka_unit_test(pattern_counter_wraps),
        cmocka_unit_test(pitch_and_loudness_are_measured),
        cmocka_unit_test(silence_and_short_sound_have_no_pitch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
