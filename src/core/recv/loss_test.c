#include "core/recv/loss.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect(struct lm_losses *l, uint32_t first, uint32_t last)
{
    struct lm_loss loss;
    assert_true(lm_losses_pop(l, &loss));
    assert_int_equal(loss.first, first);
    assert_int_equal(loss.last, last);
}

static void neighbours_become_one_range(void **state)
{
    struct lm_losses l = {0};
    struct lm_loss loss;
    assert_false(lm_losses_pop(&l, &loss));
    assert_true(lm_losses_add(&l, 0, 0)); /* what was never there has no neighbour */
    assert_true(lm_losses_add(&l, 1, 3));
    assert_true(lm_losses_add(&l, 5, 5));
    expect(&l, 0, 3);
    assert_true(lm_losses_add(&l, 6, UINT32_MAX / 4));
    expect(&l, 5, UINT32_MAX / 4);
    assert_true(lm_losses_add(&l, UINT32_MAX / 4 + 1, UINT32_MAX / 4 + 1)); /* that one is popped */
    expect(&l, UINT32_MAX / 4 + 1, UINT32_MAX / 4 + 1);
    assert_false(lm_losses_pop(&l, &loss));
}

static void without_room_the_newest_range_grows(void **state)
{
    struct lm_losses l = {0};
    struct lm_loss loss;
    for (uint32_t i = 0; i < LM_LOSSES; i++)
        assert_true(lm_losses_add(&l, 10 * i, 10 * i));
    assert_false(lm_losses_add(&l, 1000, 1005));
    assert_true(lm_losses_add(&l, 1006, 1006));
    assert_false(lm_losses_add(&l, 7, 7)); /* the numbers began anew: the range stays one */
    for (uint32_t i = 0; i + 1 < LM_LOSSES; i++)
        expect(&l, 10 * i, 10 * i);
    expect(&l, 10 * (LM_LOSSES - 1), 1006);
    assert_false(lm_losses_pop(&l, &loss));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_become_one_range),
        cmocka_unit_test(without_room_the_newest_range_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
