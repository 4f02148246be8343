#include "core/transport/loopback.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct lm_loopback *make(uint32_t slots, uint32_t drop_period)
{
    const struct lm_loopback_lane lanes[] = {
        {.to = 1, .slots = slots, .slot_bytes = 100, .drop_period = drop_period},
        {.to = 0, .slots = slots, .slot_bytes = 10},
    };
    struct lm_loopback *l;
    assert_int_equal(lm_loopback_create(lanes, 2, &l), 0);
    return l;
}

static int send(struct lm_loopback *l, uint8_t number)
{
    uint8_t data[3] = {number, 1, 2};
    return lm_loopback_send(l, 0, data, sizeof data);
}

static void expect(struct lm_loopback *l, uint8_t number)
{
    uint8_t *data;
    size_t size_bytes;
    assert_int_equal(lm_loopback_receive(l, 0, &data, &size_bytes), 1);
    assert_int_equal(size_bytes, 3);
    assert_int_equal(data[0], number);
    memset(data, 0xee, size_bytes); /* the receiver's to change */
}

static void expect_none(struct lm_loopback *l, int rc)
{
    uint8_t *data;
    size_t size_bytes;
    assert_int_equal(lm_loopback_receive(l, 0, &data, &size_bytes), rc);
}

static void leave(struct lm_loopback *l)
{
    lm_loopback_leave(l, 0);
    lm_loopback_leave(l, 1);
}

static void datagrams_come_in_order_round_and_round(void **state)
{
    struct lm_loopback *l = make(3, 0);
    for (uint8_t i = 0; i < 100; i += 2) {
        assert_int_equal(send(l, i), 1);
        assert_int_equal(send(l, i + 1), 1);
        expect(l, i);
        expect(l, i + 1);
        expect_none(l, 0);
    }
    assert_int_equal(lm_loopback_dropped(l), 0);
    leave(l);
}

static void a_full_lane_drops_the_newest(void **state)
{
    struct lm_loopback *l = make(2, 0);
    assert_int_equal(send(l, 1), 1);
    assert_int_equal(send(l, 2), 1);
    assert_int_equal(send(l, 3), 0);
    expect(l, 1);
    assert_int_equal(send(l, 4), 0); /* 1 is borrowed until the next receive */
    expect(l, 2);
    assert_int_equal(send(l, 5), 1);
    expect(l, 5);
    assert_int_equal(lm_loopback_dropped(l), 2);
    leave(l);
}

static void one_of_every_period_is_dropped(void **state)
{
    struct lm_loopback *l = make(64, 3);
    for (uint8_t i = 1; i <= 30; i++)
        assert_int_equal(send(l, i), i % 3 ? 1 : 0);
    for (uint8_t i = 1; i <= 30; i++)
        if (i % 3)
            expect(l, i);
    expect_none(l, 0);
    assert_int_equal(lm_loopback_dropped(l), 10);
    leave(l);
}

static void what_was_sent_outlives_the_sender(void **state)
{
    struct lm_loopback *l = make(4, 0);
    assert_int_equal(send(l, 1), 1);
    assert_false(lm_loopback_other_left(l, 1));
    lm_loopback_leave(l, 0);
    assert_true(lm_loopback_other_left(l, 1));
    expect(l, 1);
    expect_none(l, LM_ECLOSED);
    expect_none(l, LM_ECLOSED);
    lm_loopback_leave(l, 1);
    l = make(4, 0);
    lm_loopback_leave(l, 1);
    assert_int_equal(send(l, 1), LM_ECLOSED);
    lm_loopback_leave(l, 0);
    lm_loopback_leave(NULL, 0);
}

static void waiting_ends_when_something_is_there(void **state)
{
    struct lm_loopback *l = make(4, 0);
    assert_int_equal(lm_loopback_wait(l, 1, 0), 0);
    assert_int_equal(send(l, 1), 1);
    assert_int_equal(lm_loopback_wait(l, 1, LM_NS_PER_S), 1);
    assert_int_equal(lm_loopback_wait(l, 0, 0), 0); /* not for the sender */
    expect(l, 1);
    assert_int_equal(lm_loopback_wait(l, 1, 0), 0); /* borrowed counts as taken */
    lm_loopback_leave(l, 0);
    assert_int_equal(lm_loopback_wait(l, 1, LM_NS_PER_S), 1);
    lm_loopback_leave(l, 1);
}

static void sizes_are_checked(void **state)
{
    static const struct lm_loopback_lane bad[] = {
        {.to = 2, .slots = 1, .slot_bytes = 1},
        {.to = 0, .slots = 0, .slot_bytes = 1},
        {.to = 0, .slots = LM_LOOPBACK_MAX_SLOTS + 1, .slot_bytes = 1},
        {.to = 0, .slots = 1, .slot_bytes = 0},
        {.to = 0, .slots = 1, .slot_bytes = 65508},
    };
    struct lm_loopback *l;
    uint8_t data[101] = {0};
    for (size_t i = 0; i < LM_ARRAY_LEN(bad); i++) {
        assert_int_equal(lm_loopback_create(&bad[i], 1, &l), LM_EINVAL);
        assert_null(l);
    }
    assert_int_equal(lm_loopback_create(bad, 0, &l), LM_EINVAL);
    assert_int_equal(lm_loopback_create(bad, 5, &l), LM_EINVAL);
    l = make(4, 0);
    assert_int_equal(lm_loopback_send(l, 0, data, 100), 1);
    assert_int_equal(lm_loopback_send(l, 0, data, 101), LM_EINVAL);
    leave(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_come_in_order_round_and_round),
        cmocka_unit_test(a_full_lane_drops_the_newest),
        cmocka_unit_test(one_of_every_period_is_dropped),
        cmocka_unit_test(what_was_sent_outlives_the_sender),
        cmocka_unit_test(waiting_ends_when_something_is_there),
        cmocka_unit_test(sizes_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
