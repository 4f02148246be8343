#include "client/viewer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <string.h>

enum { LIMIT_MS = 10000, MAX_FRAME_BYTES = 64 };

static struct lm_wake pictured, failed;
static struct ending ending;

static void on_picture(void *user)
{
    lm_wake_signal(&pictured);
}

static void wait_for(struct lm_wake *wake)
{
    struct pollfd ready = {.fd = wake->fd, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, LIMIT_MS), 1);
    lm_wake_clear(wake);
}

static struct viewer *open_viewer(void)
{
    struct viewer *v = NULL;
    struct viewer_params params = {
        .decoder = "fake",
        .decode = {.codec = DECODE_H264, .width = 16, .height = 16},
        .max_frame_bytes = MAX_FRAME_BYTES,
        .read_stamps = true,
        .ending = &ending,
        .receive = &failed,
        .picture = on_picture,
    };
    assert_int_equal(lm_wake_init(&pictured), 0);
    assert_int_equal(lm_wake_init(&failed), 0);
    assert_int_equal(viewer_create(&params, &v), 0);
    return v;
}

static void close_viewer(struct viewer *v)
{
    viewer_destroy(v);
    lm_wake_finish(&pictured);
    lm_wake_finish(&failed);
}

static int push(struct viewer *v, uint8_t first, size_t size, bool key)
{
    uint8_t data[2 * MAX_FRAME_BYTES] = {first};
    struct viewer_frame frame = {.data = data, .size_bytes = size, .key = key, .complete_ns = 1};
    return viewer_push(v, &frame);
}

static void the_newest_picture_wins(void **state)
{
    struct viewer *v = open_viewer();
    struct decode_picture picture;
    assert_false(viewer_take_picture(v, &picture));
    assert_int_equal(viewer_start(v), 0);
    for (uint8_t i = 1; i <= 100; i++) {
        assert_int_equal(push(v, i, 1, true), 0);
        wait_for(&pictured);
        if (i % 10 == 0) { /* now and then somebody looks, and keeps what is shown until the next */
            static uint32_t shown;
            assert_true(viewer_take_picture(v, &picture));
            assert_int_equal(picture.plane[0][0], i);
            if (i > 10)
                viewer_give_picture(v, shown);
            shown = picture.slot;
        }
    }
    viewer_stop(v);
    assert_int_equal(viewer_pictures(v), 100);
    assert_int_equal(viewer_results(v)->pictures, 100);
    assert_int_equal(viewer_results(v)->errors, 0);
    assert_int_equal(viewer_results(v)->pattern.unreadable, 100);
    close_viewer(v);
}

static void after_a_failure_only_a_key_frame_is_decoded(void **state)
{
    struct viewer *v = open_viewer();
    assert_int_equal(viewer_start(v), 0);
    assert_false(viewer_take_broken(v));
    assert_int_equal(push(v, 0, 1, true), 0); /* the fake takes 0 for damage */
    wait_for(&failed);
    assert_true(viewer_take_broken(v));
    assert_false(viewer_take_broken(v));
    assert_int_equal(push(v, 5, 1, false), 0);
    assert_int_equal(push(v, 6, 1, true), 0);
    wait_for(&pictured);
    viewer_stop(v);
    struct decode_picture picture;
    assert_true(viewer_take_picture(v, &picture));
    assert_int_equal(picture.plane[0][0], 6);
    assert_int_equal(viewer_results(v)->errors, 1);
    assert_int_equal(viewer_results(v)->pictures, 1);
    close_viewer(v);
}

static void full_and_oversized_frames_are_refused(void **state)
{
    struct viewer *v = open_viewer(); /* not started: nobody takes frames away */
    assert_int_equal(push(v, 1, MAX_FRAME_BYTES + 1, true), LM_ELIMIT);
    for (int i = 0; i < VIEWER_SLOTS; i++)
        assert_int_equal(push(v, 1, MAX_FRAME_BYTES, true), 0);
    assert_int_equal(push(v, 1, 1, true), LM_EFULL);
    close_viewer(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_newest_picture_wins),
        cmocka_unit_test(after_a_failure_only_a_key_frame_is_decoded),
        cmocka_unit_test(full_and_oversized_frames_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
