/* What every capture promises, on the pattern always and on wlr-screencopy where a compositor can
 * be started. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "desktop.h"
#include "host/capture/capture.h"
#include "media/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1280, HEIGHT = 720 };

/* How a backend is made to show pictures at some rate. */
struct subject {
    const char *backend;
    struct desktop desktop; /* of wlr-screencopy */
    struct capture *capture;
};

static struct subject subject;

static void show(const char *rate_option, const char *rate, uint32_t refresh_mhz)
{
    struct capture_params params = {.backend = subject.backend,
                                    .wayland_socket = subject.desktop.socket,
                                    .output_name = DESKTOP_OUTPUT,
                                    .width = WIDTH,
                                    .height = HEIGHT,
                                    .refresh_mhz = refresh_mhz};
    if (subject.desktop.compositor) {
        const char *const argv[] = {PAINTED_CLOCK, rate_option, rate, NULL};
        assert_true(desktop_run(&subject.desktop, argv));
    }
    assert_int_equal(capture_open(&params, &subject.capture), LM_OK);
    assert_int_equal(subject.capture->width, WIDTH);
    assert_int_equal(subject.capture->height, HEIGHT);
}

static int hide(void **state)
{
    capture_close(subject.capture);
    subject.capture = NULL;
    if (subject.desktop.compositor)
        desktop_end_program(&subject.desktop);
    return 0;
}

/* LM_OK with an image, or what dispatch said last when the time is over. */
static int next_image(struct image **image, uint64_t timeout_ns)
{
    uint64_t end_ns = lm_clock_now_ns() + timeout_ns;
    for (;;) {
        uint64_t now_ns = lm_clock_now_ns();
        int rc = capture_dispatch(subject.capture, now_ns, image);
        if (rc != LM_EAGAIN || now_ns >= end_ns)
            return rc;
        uint64_t wake_ns = LM_MIN(end_ns, subject.capture->wake_ns);
        uint64_t left_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
        struct pollfd fd = {.fd = subject.capture->fd, .events = POLLIN};
        poll(&fd, 1, (int)((left_ns + LM_NS_PER_MS - 1) / LM_NS_PER_MS));
    }
}

static bool is_whole(struct image_rect d)
{
    return d.x == 0 && d.y == 0 && d.width == WIDTH && d.height == HEIGHT;
}

static int read_stamp(const struct image *image, struct stamp *stamp)
{
    static uint8_t luma[STAMP_WIDTH * STAMP_HEIGHT];
    for (uint32_t y = 0; y < STAMP_HEIGHT; y++)
        for (uint32_t x = 0; x < STAMP_WIDTH; x++)
            luma[y * STAMP_WIDTH + x] =
                image->plane[0][(size_t)y * image->stride_bytes[0] + (size_t)x * 4];
    return stamp_read_luma(luma, STAMP_WIDTH, STAMP_WIDTH, STAMP_HEIGHT, stamp);
}

/* Until pictures of the clock arrive: windows take a moment to open. */
static void settle(void)
{
    struct image *image;
    struct stamp stamp;
    for (int i = 0; i < 100; i++) {
        assert_int_equal(next_image(&image, 3 * LM_NS_PER_S), LM_OK);
        bool stamped = read_stamp(image, &stamp) == LM_OK;
        capture_give(subject.capture, image);
        if (stamped)
            return;
    }
    fail_msg("the clock does not appear");
}

static void the_first_image_comes_at_once_and_is_whole(void **state)
{
    show("--interval-ms", "1000", 1000);
    struct image *image;
    uint64_t before_ns = lm_clock_now_ns();
    assert_int_equal(next_image(&image, LM_NS_PER_S / 2), LM_OK);
    assert_true(is_whole(image->damage));
    assert_int_equal(image->format, IMAGE_BGRX);
    assert_int_equal(image->width, WIDTH);
    assert_int_equal(image->height, HEIGHT);
    assert_true(image->stride_bytes[0] >= WIDTH * 4);
    assert_true(image->captured_ns + LM_NS_PER_S > before_ns);
    assert_true(image->ready_ns >= image->captured_ns);
    assert_true(image->ready_ns <= lm_clock_now_ns());
    print_message("first image after %.1f ms\n", (double)(image->ready_ns - before_ns) / 1e6);
    capture_give(subject.capture, image);
}

static void nothing_comes_while_nothing_changes(void **state)
{
    show("--interval-ms", "1000", 1000);
    settle();
    struct image *image;
    assert_int_equal(next_image(&image, 3 * LM_NS_PER_S / 2), LM_OK);
    capture_give(subject.capture, image);
    assert_int_equal(next_image(&image, LM_NS_PER_S / 2), LM_EAGAIN);
    assert_null(image);
}

static void damage_covers_the_change_and_not_all(void **state)
{
    show("--interval-ms", "100", 10000);
    settle();
    for (int i = 0; i < 5; i++) {
        struct image *image;
        struct stamp stamp;
        assert_int_equal(next_image(&image, LM_NS_PER_S), LM_OK);
        assert_int_equal(read_stamp(image, &stamp), LM_OK);
        struct image_rect d = image->damage;
        assert_true(d.x == 0 && d.y == 0 && d.width >= STAMP_WIDTH && d.height >= STAMP_HEIGHT);
        assert_false(is_whole(d));
        capture_give(subject.capture, image);
    }
}

static void with_all_slots_held_the_newest_picture_waits(void **state)
{
    show("--fps", "50", 50000);
    settle();
    struct image *held[CAPTURE_SLOTS], *image;
    struct stamp stamp = {0};
    for (int i = 0; i < CAPTURE_SLOTS; i++)
        assert_int_equal(next_image(&held[i], LM_NS_PER_S), LM_OK);
    assert_int_equal(read_stamp(held[CAPTURE_SLOTS - 1], &stamp), LM_OK);
    uint32_t last_held = stamp.counter;
    assert_int_equal(next_image(&image, LM_NS_PER_S / 2), LM_EAGAIN);

    uint64_t given_ns = lm_clock_now_ns();
    capture_give(subject.capture, held[1]);
    struct pollfd fd = {.fd = subject.capture->fd, .events = POLLIN};
    assert_int_equal(poll(&fd, 1, 0), 1);
    assert_int_equal(next_image(&image, LM_NS_PER_S / 2), LM_OK);
    assert_ptr_equal(image, held[1]);
    assert_int_equal(read_stamp(image, &stamp), LM_OK);
    assert_true(stamp.counter > last_held);
    assert_true(stamp.time_ns + 100 * LM_NS_PER_MS > given_ns);
    for (int i = 0; i < CAPTURE_SLOTS; i++)
        capture_give(subject.capture, held[i]);
}

static void a_new_mode_is_a_lost_device(void **state)
{
    if (!subject.desktop.compositor)
        skip();
    show("--fps", "50", 0);
    settle();
    assert_true(desktop_set_mode(&subject.desktop, "800x600@60Hz"));
    struct image *image;
    int rc;
    while ((rc = next_image(&image, LM_NS_PER_S)) == LM_OK)
        capture_give(subject.capture, image);
    assert_int_equal(rc, LM_EDEVICE);
    capture_close(subject.capture);
    const struct capture_params params = {.backend = subject.backend,
                                          .wayland_socket = subject.desktop.socket,
                                          .output_name = DESKTOP_OUTPUT};
    assert_int_equal(capture_open(&params, &subject.capture), LM_OK);
    assert_int_equal(subject.capture->width, 800);
    assert_int_equal(next_image(&image, LM_NS_PER_S), LM_OK);
    assert_int_equal(image->height, 600);
    capture_give(subject.capture, image);
    assert_true(desktop_set_mode(&subject.desktop, "1280x720@60Hz"));
}

static void a_dead_compositor_is_a_lost_device(void **state)
{
    if (!subject.desktop.compositor)
        skip();
    show("--fps", "50", 0);
    settle();
    desktop_kill(&subject.desktop);
    struct image *image;
    int rc;
    while ((rc = next_image(&image, LM_NS_PER_S)) == LM_OK)
        capture_give(subject.capture, image);
    assert_int_equal(rc, LM_EDEVICE);
    assert_int_equal(capture_dispatch(subject.capture, lm_clock_now_ns(), &image), LM_EDEVICE);
    capture_close(subject.capture);
    const struct capture_params params = {.backend = subject.backend,
                                          .wayland_socket = subject.desktop.socket,
                                          .output_name = DESKTOP_OUTPUT};
    assert_int_equal(capture_open(&params, &subject.capture), LM_EDEVICE);
}

static void an_unknown_output_is_no_device(void **state)
{
    if (!subject.desktop.compositor)
        skip();
    const struct capture_params params = {.backend = subject.backend,
                                          .wayland_socket = subject.desktop.socket,
                                          .output_name = "HEADLESS-9"};
    assert_int_equal(capture_open(&params, &subject.capture), LM_EDEVICE);
    assert_null(subject.capture);
}

static int run(const char *name)
{
    subject.backend = name;
    print_message("backend %s\n", name);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(the_first_image_comes_at_once_and_is_whole, hide),
        cmocka_unit_test_teardown(nothing_comes_while_nothing_changes, hide),
        cmocka_unit_test_teardown(damage_covers_the_change_and_not_all, hide),
        cmocka_unit_test_teardown(with_all_slots_held_the_newest_picture_waits, hide),
        cmocka_unit_test_teardown(an_unknown_output_is_no_device, hide),
        cmocka_unit_test_teardown(a_new_mode_is_a_lost_device, hide),
        cmocka_unit_test_teardown(a_dead_compositor_is_a_lost_device, hide),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
    int failed = run("pattern");
    if (!desktop_start(&subject.desktop, "1280x720@60Hz")) {
        print_message("SKIPPED: wlr-screencopy, no compositor can be started here\n");
        return failed ? 1 : 77;
    }
    failed += run("wlr-screencopy");
    desktop_stop(&subject.desktop);
    return failed ? 1 : 0;
}
