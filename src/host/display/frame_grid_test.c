#include "host/display/frame_grid.h"

#include "core/base/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void period_is_the_nearest_nanosecond(void **state)
{
    static const struct {
        uint32_t mhz;
        uint64_t period_ns;
    } cases[] = {
        {60000, 16666667}, {59940, 16683350},  {90000, 11111111},  {120000, 8333333},
        {144123, 6938518}, {1000, 1000000000}, {1000000, 1000000},
    };
    (void)state;
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++)
        assert_int_equal(frame_grid_period_ns(cases[i].mhz), cases[i].period_ns);
}

static void floor_and_ceil_enclose_the_time(void **state)
{
    static const uint64_t times[] = {0, 1, 99, 100, 101, 199, UINT64_C(1) << 62};
    (void)state;
    for (size_t i = 0; i < LM_ARRAY_LEN(times); i++) {
        uint64_t low = frame_grid_floor_ns(times[i], 100);
        uint64_t high = frame_grid_ceil_ns(times[i], 100);
        assert_true(low <= times[i] && times[i] <= high);
        assert_true(high - low == (times[i] % 100 ? 100 : 0));
        assert_int_equal(low % 100 + high % 100, 0);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(period_is_the_nearest_nanosecond),
        cmocka_unit_test(floor_and_ceil_enclose_the_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
