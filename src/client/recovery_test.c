#include "client/recovery.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

enum { P = 1, KEY = 2, REFRESH = 4, AFTER = 5 };

static struct recovery r;

static enum recovery_ask frame(uint32_t index, uint32_t type, bool key, bool expect_decode)
{
    bool decode = !expect_decode;
    enum recovery_ask ask = recovery_frame(&r, index, type, key, &decode);
    assert_int_equal(decode, expect_decode);
    return ask;
}

static void nothing_is_decoded_before_a_key_frame(void **state)
{
    recovery_init(&r, true);
    assert_int_equal(frame(1, P, false, false), RECOVERY_ASK_NOTHING);
    assert_int_equal(frame(2, AFTER, false, false), RECOVERY_ASK_NOTHING);
    assert_int_equal(frame(3, KEY, false, false), RECOVERY_ASK_NOTHING); /* says so, is not */
    assert_int_equal(frame(4, P, true, true), RECOVERY_ASK_NOTHING);     /* is, does not say so */
    assert_int_equal(frame(5, P, false, true), RECOVERY_ASK_NOTHING);
    assert_int_equal(r.recoveries, 0);
    assert_int_equal(r.keys, 1);
}

static void loss_without_invalidation_waits_for_a_key_frame(void **state)
{
    recovery_init(&r, false);
    frame(1, KEY, true, true);
    assert_int_equal(recovery_lost(&r, 2, 3), RECOVERY_ASK_KEY);
    assert_int_equal(frame(4, P, false, false), RECOVERY_ASK_NOTHING);
    assert_int_equal(frame(5, AFTER, false, false), RECOVERY_ASK_NOTHING);
    assert_int_equal(frame(6, KEY, true, true), RECOVERY_ASK_NOTHING);
    assert_int_equal(r.recoveries, 1);
    assert_int_equal(r.frames_dropped, 2);
}

static void invalidated_range_grows_until_recovered(void **state)
{
    recovery_init(&r, true);
    frame(1, KEY, true, true);
    assert_int_equal(recovery_lost(&r, 10, 11), RECOVERY_ASK_INVALIDATE);
    assert_int_equal(r.first, 10);
    assert_int_equal(r.last, 11);
    assert_int_equal(frame(12, P, false, false), RECOVERY_ASK_INVALIDATE);
    assert_int_equal(r.first, 10);
    assert_int_equal(r.last, 12);
    assert_int_equal(recovery_lost(&r, 13, 13), RECOVERY_ASK_INVALIDATE);
    assert_int_equal(r.first, 10);
    assert_int_equal(r.last, 13);
    assert_int_equal(frame(14, AFTER, false, true), RECOVERY_ASK_NOTHING);
    assert_int_equal(frame(15, P, false, true), RECOVERY_ASK_NOTHING);
    assert_int_equal(recovery_lost(&r, 20, 20), RECOVERY_ASK_INVALIDATE);
    assert_int_equal(r.first, 20);
    assert_int_equal(r.recoveries, 1);
}

static void each_clean_frame_ends_the_wait(void **state)
{
    static const struct {
        uint32_t type;
        bool key;
    } clean[] = {{KEY, false}, {KEY, true}, {P, true}, {REFRESH, false}, {AFTER, false}};
    for (size_t i = 0; i < sizeof clean / sizeof clean[0]; i++) {
        recovery_init(&r, true);
        frame(1, KEY, true, true);
        assert_int_equal(recovery_lost(&r, 2, 2), RECOVERY_ASK_INVALIDATE);
        frame(3, clean[i].type, clean[i].key, true);
        frame(4, P, false, true);
    }
}

static void loss_before_the_first_key_frame_asks_for_one(void **state)
{
    recovery_init(&r, true);
    assert_int_equal(recovery_lost(&r, 1, 1), RECOVERY_ASK_KEY);
    frame(2, P, false, false);
    frame(3, KEY, true, true);
}

static void a_broken_decoder_needs_a_key_frame(void **state)
{
    recovery_init(&r, true);
    frame(1, KEY, true, true);
    assert_int_equal(recovery_broken(&r), RECOVERY_ASK_KEY);
    assert_int_equal(recovery_broken(&r), RECOVERY_ASK_NOTHING);
    assert_int_equal(frame(2, AFTER, false, false), RECOVERY_ASK_NOTHING);
    frame(3, KEY, true, true);
    assert_int_equal(recovery_lost(&r, 4, 4), RECOVERY_ASK_INVALIDATE);
    assert_int_equal(recovery_broken(&r), RECOVERY_ASK_KEY);
    frame(5, AFTER, false, false);
}

static void patience_ends_after_120_dropped_frames(void **state)
{
    recovery_init(&r, true);
    frame(1, KEY, true, true);
    assert_int_equal(recovery_lost(&r, 2, 2), RECOVERY_ASK_INVALIDATE);
    uint32_t keys_asked = 0;
    for (uint32_t i = 3; i < 3 + 2 * RECOVERY_PATIENCE_FRAMES; i++)
        keys_asked += frame(i, P, false, false) == RECOVERY_ASK_KEY;
    assert_int_equal(keys_asked, 2);
}

static void key_frames_are_known_by_their_content(void **state)
{
    static const struct {
        uint8_t bytes[20];
        size_t size;
        bool key;
    } cases[] = {
        {{0, 0, 0, 1, 0x67, 1}, 6, true},
        {{0, 0, 1, 0x65, 1}, 5, true},
        {{0, 0, 0, 1, 0x09, 0xF0, 0, 0, 0, 1, 0x06, 5, 0, 0, 1, 0x67}, 16, true},
        {{0, 0, 0, 1, 0x09, 0xF0, 0, 0, 0, 1, 0x41, 5, 0, 0, 1, 0x67}, 16, false},
        {{0, 0, 0, 1, 0x41, 1}, 6, false},
        {{0, 0, 0, 1}, 4, false},
        {{0}, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(recovery_is_key(cases[i].bytes, cases[i].size), cases[i].key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_decoded_before_a_key_frame),
        cmocka_unit_test(loss_without_invalidation_waits_for_a_key_frame),
        cmocka_unit_test(invalidated_range_grows_until_recovered),
        cmocka_unit_test(each_clean_frame_ends_the_wait),
        cmocka_unit_test(loss_before_the_first_key_frame_asks_for_one),
        cmocka_unit_test(a_broken_decoder_needs_a_key_frame),
        cmocka_unit_test(patience_ends_after_120_dropped_frames),
        cmocka_unit_test(key_frames_are_known_by_their_content),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
