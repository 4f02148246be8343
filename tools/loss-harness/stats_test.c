#include "stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

static void interval_is_wilsons(void **state)
{
    static const struct {
        uint64_t hits, trials;
        double low, high;
    } rows[] = {
        {0, 0, 0, 1},
        {0, 10, 0, 0.2775},
        {10, 10, 0.7225, 1},
        {5, 10, 0.2366, 0.7634},
        {0, 4000, 0, 0.00095945},
        {100, 1805, 0.0457, 0.0669},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stats_interval got = stats_interval_of(rows[i].hits, rows[i].trials);
        assert_true(fabs(got.low - rows[i].low) < 1e-4);
        assert_true(fabs(got.high - rows[i].high) < 1e-4);
    }
}

static void quantile_is_one_of_the_values(void **state)
{
    int64_t values[] = {9, -3, 4, 7, 1};
    assert_int_equal(stats_quantile(values, 5, 0.5), 4);
    assert_int_equal(stats_quantile(values, 5, 0.99), 9);
    assert_int_equal(stats_quantile(values, 5, 0), -3);
    assert_int_equal(stats_quantile(values, 0, 0.5), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interval_is_wilsons),
        cmocka_unit_test(quantile_is_one_of_the_values),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
