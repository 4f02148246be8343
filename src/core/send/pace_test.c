#include "core/send/pace.h"

#include "core/base/time.h"
#include "core/send/test_vectors.h"

#define START_NS (UINT64_C(5) * LM_NS_PER_S)

static void pace_lets_a_full_burst_go_after_a_pause(void **state)
{
    const struct {
        uint64_t rate;
        uint32_t burst;
    } rows[] = {{1000000, 64000}, {125000000, 65507}, {3, 7}, {9999999967, 1440}, {1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lm_pace p = {0};
        lm_pace_set(&p, rows[i].rate, rows[i].burst);
        assert_int_equal(lm_pace_available(&p, START_NS), rows[i].burst);
        lm_pace_spend(&p, START_NS, rows[i].burst);
        assert_int_equal(lm_pace_available(&p, START_NS), 0);
        uint64_t full = lm_pace_when(&p, rows[i].burst);
        assert_true(full > START_NS);
        assert_int_equal(lm_pace_available(&p, full), rows[i].burst);
        assert_int_equal(lm_pace_available(&p, full + 100 * LM_NS_PER_S), rows[i].burst);
    }
}

static void pace_never_exceeds_rate_and_burst(void **state) /* gs-media 85 */
{
    struct lm_pace p = {0};
    const uint64_t rate = 100 * 1000 * 1000;
    const uint32_t burst = 20000;
    lm_pace_set(&p, rate, burst);
    uint64_t sent = 0, seed = 88172645463325252u;
    for (uint64_t now = START_NS; now < START_NS + LM_NS_PER_S / 5; now += 1 + seed % 50000) {
        seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
        uint32_t n = lm_pace_available(&p, now);
        lm_pace_spend(&p, now, n);
        sent += n;
        uint64_t earned = (now - START_NS) * (rate / 1000000) / 1000 + burst;
        assert_true(sent <= earned);
        assert_true(sent + burst + 5000 >= earned);
    }
}

static void pace_wakes_exactly_when_enough_is_there(void **state)
{
    struct lm_pace p = {0};
    lm_pace_set(&p, 12345678, 50000);
    lm_pace_spend(&p, START_NS, 50000);
    for (uint32_t bytes = 1; bytes <= 50000; bytes += 997) {
        uint64_t when = lm_pace_when(&p, bytes);
        assert_true(lm_pace_available(&p, when) >= bytes);
        assert_true(lm_pace_available(&p, when - 1000) < bytes);
    }
}

static void pace_of_zero_is_no_pace(void **state)
{
    struct lm_pace p = {0};
    lm_pace_set(&p, 0, 1);
    lm_pace_spend(&p, START_NS, 1000000);
    assert_int_equal(lm_pace_available(&p, START_NS), UINT32_MAX);
    assert_int_equal(lm_pace_duration_ns(&p, 12345), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pace_lets_a_full_burst_go_after_a_pause),
        cmocka_unit_test(pace_never_exceeds_rate_and_burst),
        cmocka_unit_test(pace_wakes_exactly_when_enough_is_there),
        cmocka_unit_test(pace_of_zero_is_no_pace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
