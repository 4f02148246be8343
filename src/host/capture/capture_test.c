#include "core/base/check.h"
#include "core/base/time.h"
#include "host/capture/capture.h"
#include "media/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 640, HEIGHT = 360 };

#define PERIOD_NS (LM_NS_PER_S / 50)

static int open_pattern(void **state)
{
    const struct capture_params params = {
        .backend = "pattern", .width = WIDTH, .height = HEIGHT, .refresh_mhz = 50000};
    struct capture *capture;
    if (capture_open(&params, &capture) < 0)
        return -1;
    *state = capture;
    return 0;
}

static int close_pattern(void **state)
{
    capture_close(*state);
    return 0;
}

static bool is_readable(const struct capture *capture)
{
    struct pollfd fd = {.fd = capture->fd, .events = POLLIN};
    return poll(&fd, 1, 0) == 1;
}

static void images_come_at_the_refresh_rate(void **state)
{
    struct capture *capture = *state;
    struct image *image;
    uint64_t now_ns = 1000 * PERIOD_NS;
    for (int i = 0; i < 20; i++, now_ns += PERIOD_NS) {
        assert_int_equal(capture_dispatch(capture, now_ns, &image), LM_OK);
        assert_true(image->captured_ns == now_ns);
        assert_true(capture->wake_ns == now_ns + PERIOD_NS);
        capture_give(capture, image);
        assert_int_equal(capture_dispatch(capture, now_ns + PERIOD_NS - 1, &image), LM_EAGAIN);
        assert_null(image);
        assert_true(capture->wake_ns == now_ns + PERIOD_NS);
    }
}

static void missed_refreshes_are_left_out(void **state)
{
    struct capture *capture = *state;
    struct image *image;
    assert_int_equal(capture_dispatch(capture, 1000 * PERIOD_NS, &image), LM_OK);
    capture_give(capture, image);
    assert_int_equal(capture_dispatch(capture, 1010 * PERIOD_NS + 5, &image), LM_OK);
    capture_give(capture, image);
    assert_int_equal(capture_dispatch(capture, 1010 * PERIOD_NS + 6, &image), LM_EAGAIN);
    assert_true(capture->wake_ns == 1011 * PERIOD_NS);
}

static void what_is_not_damaged_is_as_before(void **state)
{
    struct capture *capture = *state;
    static uint8_t before[WIDTH * HEIGHT * 4];
    struct image *image;
    uint64_t now_ns = 1000 * PERIOD_NS;
    for (int i = 0; i < 300; i++, now_ns += PERIOD_NS) {
        assert_int_equal(capture_dispatch(capture, now_ns, &image), LM_OK);
        struct image_rect d = image->damage;
        assert_true(d.x + d.width <= WIDTH && d.y + d.height <= HEIGHT);
        for (uint32_t y = 0; y < HEIGHT; y++) {
            const uint8_t *row = image->plane[0] + (size_t)y * image->stride_bytes[0];
            uint8_t *old = before + (size_t)y * WIDTH * 4;
            bool inside = y >= d.y && y < d.y + d.height;
            size_t left = inside ? d.x : WIDTH, right = inside ? d.x + d.width : WIDTH;
            assert_memory_equal(row, i ? old : row, left * 4);
            assert_memory_equal(row + right * 4, i ? old + right * 4 : row + right * 4,
                                (WIDTH - right) * 4);
            memcpy(old, row, (size_t)WIDTH * 4);
        }
        capture_give(capture, image);
    }
}

static void the_stamp_is_the_time_of_the_image(void **state)
{
    struct capture *capture = *state;
    static uint8_t luma[STAMP_WIDTH * STAMP_HEIGHT];
    struct image *image;
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t now_ns = (1000 + i) * PERIOD_NS;
        assert_int_equal(capture_dispatch(capture, now_ns, &image), LM_OK);
        for (uint32_t y = 0; y < STAMP_HEIGHT; y++)
            for (uint32_t x = 0; x < STAMP_WIDTH; x++)
                luma[y * STAMP_WIDTH + x] =
                    image->plane[0][(size_t)y * image->stride_bytes[0] + (size_t)x * 4];
        struct stamp stamp;
        assert_int_equal(stamp_read_luma(luma, STAMP_WIDTH, STAMP_WIDTH, STAMP_HEIGHT, &stamp),
                         LM_OK);
        assert_int_equal(stamp.counter, i);
        assert_true(stamp.time_ns >> 10 == now_ns >> 10);
        capture_give(capture, image);
    }
}

static void without_a_free_slot_it_waits_for_one(void **state)
{
    struct capture *capture = *state;
    struct image *held[CAPTURE_SLOTS], *image;
    uint64_t now_ns = 1000 * PERIOD_NS;
    for (int i = 0; i < CAPTURE_SLOTS; i++, now_ns += PERIOD_NS)
        assert_int_equal(capture_dispatch(capture, now_ns, &held[i]), LM_OK);
    assert_int_equal(capture_dispatch(capture, now_ns, &image), LM_EAGAIN);
    assert_true(capture->wake_ns == LM_TIME_MAX);
    assert_false(is_readable(capture));
    capture_give(capture, held[2]);
    assert_true(is_readable(capture));
    assert_int_equal(capture_dispatch(capture, now_ns + 1, &image), LM_OK);
    assert_ptr_equal(image, held[2]);
    assert_true(image->captured_ns == now_ns + 1);
    assert_false(is_readable(capture));
}

static void recycled_slots_are_free_at_once(void **state)
{
    struct capture *capture = *state;
    struct image *held[CAPTURE_SLOTS], *image;
    uint64_t now_ns = 1000 * PERIOD_NS;
    for (int i = 0; i < CAPTURE_SLOTS; i++, now_ns += PERIOD_NS)
        assert_int_equal(capture_dispatch(capture, now_ns, &held[i]), LM_OK);
    assert_int_equal(capture_dispatch(capture, now_ns, &image), LM_EAGAIN);
    capture_recycle(capture, held[0]);
    assert_true(is_readable(capture));
    for (int i = 0; i < 20; i++, now_ns += PERIOD_NS) {
        assert_int_equal(capture_dispatch(capture, now_ns, &image), LM_OK);
        assert_ptr_equal(image, held[0]);
        capture_recycle(capture, image);
        assert_false(is_readable(capture));
    }
}

static void pattern_is_never_chosen_unasked(void **state)
{
    const struct capture_params params = {.wayland_socket = "/nonexistent/wayland-0",
                                          .output_name = "HEADLESS-1",
                                          .width = WIDTH,
                                          .height = HEIGHT,
                                          .refresh_mhz = 60000};
    struct capture *capture;
    assert_int_equal(capture_open(&params, &capture), LM_EDEVICE);
    assert_null(capture);
}

static void odd_parameters_are_refused(void **state)
{
    static const struct {
        uint32_t width, height, refresh_mhz;
        int rc;
    } cases[] = {
        {0, 1, 60000, LM_EINVAL},     {1, 0, 60000, LM_EINVAL}, {16385, 1, 60000, LM_EINVAL},
        {1, 16385, 60000, LM_EINVAL}, {64, 64, 0, LM_EINVAL},   {64, 64, 1000001, LM_EINVAL},
        {1, 1, 60000, LM_OK},         {447, 17, 60000, LM_OK},  {448, 16, 60000, LM_OK},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        const struct capture_params params = {.backend = "pattern",
                                              .width = cases[i].width,
                                              .height = cases[i].height,
                                              .refresh_mhz = cases[i].refresh_mhz};
        struct capture *capture;
        struct image *image;
        assert_int_equal(capture_open(&params, &capture), cases[i].rc);
        for (uint64_t n = 1; capture && n < 100; n++) {
            assert_int_equal(capture_dispatch(capture, n * LM_NS_PER_S, &image), LM_OK);
            capture_give(capture, image);
        }
        capture_close(capture);
    }
    const struct capture_params unknown = {.backend = "no-such-backend"};
    struct capture *capture;
    assert_int_equal(capture_open(&unknown, &capture), LM_EUNSUPPORTED);
}

#define WITH_PATTERN(test) cmocka_unit_test_setup_teardown(test, open_pattern, close_pattern)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PATTERN(images_come_at_the_refresh_rate),
        WITH_PATTERN(missed_refreshes_are_left_out),
        WITH_PATTERN(what_is_not_damaged_is_as_before),
        WITH_PATTERN(the_stamp_is_the_time_of_the_image),
        WITH_PATTERN(without_a_free_slot_it_waits_for_one),
        WITH_PATTERN(recycled_slots_are_free_at_once),
        cmocka_unit_test(pattern_is_never_chosen_unasked),
        cmocka_unit_test(odd_parameters_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
