#include "host/encode/refs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct encode_refs after(uint32_t frames, uint32_t capacity)
{
    struct encode_refs refs;
    encode_refs_init(&refs, capacity);
    for (uint32_t i = 0; i < frames; i++)
        encode_refs_add(&refs, i, i == 0);
    return refs;
}

static void refs_lost_frame_and_all_after_it_are_bad(void **state)
{
    struct encode_refs refs = after(10, 4);
    uint32_t from;
    assert_int_equal(encode_refs_lose(&refs, 8, 8, &from), ENCODE_REFS_BAD_FROM);
    assert_int_equal(from, 8);
    assert_true(refs.pending);
    assert_true(encode_refs_any(&refs)); /* 6 and 7 */
    assert_int_equal(encode_refs_lose(&refs, 6, 9, &from), ENCODE_REFS_BAD_FROM);
    assert_false(encode_refs_any(&refs));
}

static void refs_older_than_the_buffer_leave_nothing(void **state)
{
    struct encode_refs refs = after(10, 4);
    uint32_t from;
    assert_int_equal(encode_refs_lose(&refs, 2, 2, &from), ENCODE_REFS_BAD_FROM);
    assert_false(encode_refs_any(&refs));
}

static void refs_growing_ranges_are_answered_once(void **state)
{
    struct encode_refs refs = after(10, 6);
    uint32_t from;
    assert_int_equal(encode_refs_lose(&refs, 7, 7, &from), ENCODE_REFS_BAD_FROM);
    assert_int_equal(encode_refs_lose(&refs, 7, 8, &from), ENCODE_REFS_BAD_FROM);
    encode_refs_add(&refs, 10, false); /* refers to 6 */
    assert_false(refs.pending);
    assert_int_equal(encode_refs_lose(&refs, 7, 9, &from), ENCODE_REFS_NOTHING);
    assert_false(refs.pending);
    /* 6 was not known to be lost before; the recovery frame built on it */
    struct encode_refs copy = refs;
    assert_int_equal(encode_refs_lose(&copy, 6, 9, &from), ENCODE_REFS_BAD_FROM);
    assert_int_equal(from, 6);
    /* the recovery frame itself went missing */
    assert_int_equal(encode_refs_lose(&refs, 7, 10, &from), ENCODE_REFS_BAD_FROM);
    assert_true(encode_refs_any(&refs));
}

static void refs_before_a_key_frame_do_not_matter(void **state)
{
    struct encode_refs refs = after(10, 6);
    uint32_t from;
    encode_refs_add(&refs, 10, true);
    encode_refs_add(&refs, 11, false);
    assert_int_equal(encode_refs_lose(&refs, 3, 9, &from), ENCODE_REFS_NOTHING);
    assert_int_equal(encode_refs_lose(&refs, 9, 11, &from), ENCODE_REFS_BAD_FROM);
    assert_int_equal(from, 10);
    assert_false(encode_refs_any(&refs));
}

static void refs_ignore_frames_that_never_were(void **state)
{
    struct encode_refs refs = after(0, 6);
    uint32_t from;
    assert_int_equal(encode_refs_lose(&refs, 0, 5, &from), ENCODE_REFS_NOTHING);
    refs = after(3, 6);
    assert_int_equal(encode_refs_lose(&refs, 3, UINT32_MAX, &from), ENCODE_REFS_NOTHING);
    assert_int_equal(encode_refs_lose(&refs, 2, UINT32_MAX, &from), ENCODE_REFS_BAD_FROM);
}

static void refs_tell_when_a_gap_spans_a_multiple_of_frames(void **state)
{
    uint32_t from;
    struct encode_refs refs = after(20, 6); /* the key frame is 0; 16 is where a period begins */
    assert_false(encode_refs_gap_wraps(&refs, 20, 16));
    assert_int_equal(encode_refs_lose(&refs, 17, 19, &from), ENCODE_REFS_BAD_FROM);
    assert_false(encode_refs_gap_wraps(&refs, 20, 16));
    assert_true(encode_refs_gap_wraps(&refs, 33, 16));
    assert_int_equal(encode_refs_lose(&refs, 16, 19, &from), ENCODE_REFS_BAD_FROM);
    assert_true(encode_refs_gap_wraps(&refs, 20, 16));
    refs = after(16, 6);
    assert_int_equal(encode_refs_lose(&refs, 15, 15, &from), ENCODE_REFS_BAD_FROM);
    assert_false(encode_refs_gap_wraps(&refs, 16, 16)); /* 16 itself is there */
    encode_refs_add(&refs, 16, false);
    encode_refs_add(&refs, 17, false);
    assert_int_equal(encode_refs_lose(&refs, 17, 17, &from), ENCODE_REFS_BAD_FROM);
    assert_false(encode_refs_gap_wraps(&refs, 18, 16));
}

static void refs_gap_goes_on_when_the_recovery_frame_is_lost_too(void **state)
{
    uint32_t from;
    struct encode_refs refs = after(18, 6);
    assert_int_equal(encode_refs_lose(&refs, 16, 16, &from), ENCODE_REFS_BAD_FROM);
    encode_refs_add(&refs, 18, false);
    assert_int_equal(encode_refs_lose(&refs, 18, 18, &from), ENCODE_REFS_BAD_FROM);
    assert_true(encode_refs_gap_wraps(&refs, 19, 16));
    encode_refs_add(&refs, 19, true);
    assert_int_equal(encode_refs_lose(&refs, 19, 19, &from), ENCODE_REFS_BAD_FROM);
    assert_false(encode_refs_gap_wraps(&refs, 20, 16)); /* no frame is good: a key frame anyway */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refs_lost_frame_and_all_after_it_are_bad),
        cmocka_unit_test(refs_older_than_the_buffer_leave_nothing),
        cmocka_unit_test(refs_growing_ranges_are_answered_once),
        cmocka_unit_test(refs_before_a_key_frame_do_not_matter),
        cmocka_unit_test(refs_ignore_frames_that_never_were),
        cmocka_unit_test(refs_tell_when_a_gap_spans_a_multiple_of_frames),
        cmocka_unit_test(refs_gap_goes_on_when_the_recovery_frame_is_lost_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
