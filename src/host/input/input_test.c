#include "core/base/check.h"
#include "host/input/input.h"
#include "host/input/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <linux/input-event-codes.h>
#include <math.h>

static int open_record(void **state)
{
    const struct input_params params = {.backend = "record", .width = 1280, .height = 720};
    struct input *input;
    if (input_open(&params, &input) < 0)
        return -1;
    *state = input;
    return 0;
}

static int close_record(void **state)
{
    input_close(*state);
    return 0;
}

static void expect(struct input *input, const struct record_event *events, uint32_t expected)
{
    uint32_t count;
    const struct record_event *got = record_events(input, &count);
    assert_int_equal(count, expected);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(got[i].kind, events[i].kind);
        assert_int_equal(got[i].code, events[i].code);
        assert_int_equal(got[i].down, events[i].down);
        assert_int_equal(got[i].x, events[i].x);
        assert_int_equal(got[i].y, events[i].y);
    }
    record_clear(input);
}

#define EXPECT(input, ...)                                                                         \
    do {                                                                                           \
        const struct record_event events_[] = {__VA_ARGS__};                                       \
        expect(input, events_, LM_ARRAY_LEN(events_));                                             \
    } while (0)

static void repeated_keys_are_one_event(void **state) /* gs-media 83 */
{
    struct input *input = *state;
    input_key(input, KEY_A, false);
    input_key(input, KEY_A, true);
    input_key(input, KEY_A, true);
    assert_true(input_key_is_held(input, KEY_A));
    input_key(input, KEY_A, false);
    input_key(input, KEY_A, false);
    assert_false(input_key_is_held(input, KEY_A));
    EXPECT(input, {RECORD_KEY, KEY_A, true, 0, 0}, {RECORD_KEY, KEY_A, false, 0, 0});
}

static void keys_out_of_range_are_ignored(void **state)
{
    struct input *input = *state;
    static const uint32_t codes[] = {0, 768, 0x10000, UINT32_MAX};
    for (size_t i = 0; i < LM_ARRAY_LEN(codes); i++) {
        input_key(input, codes[i], true);
        assert_false(input_key_is_held(input, codes[i]));
    }
    expect(input, NULL, 0);
    input_key(input, 767, true);
    EXPECT(input, {RECORD_KEY, 767, true, 0, 0});
}

static void buttons_out_of_range_are_ignored(void **state)
{
    struct input *input = *state;
    static const uint32_t codes[] = {0, BTN_LEFT - 1, BTN_LEFT + 32, UINT32_MAX};
    for (size_t i = 0; i < LM_ARRAY_LEN(codes); i++)
        input_button(input, codes[i], true);
    expect(input, NULL, 0);
    input_button(input, BTN_EXTRA, true);
    input_button(input, BTN_EXTRA, true);
    input_button(input, BTN_EXTRA, false);
    EXPECT(input, {RECORD_BUTTON, BTN_EXTRA, true, 0, 0}, {RECORD_BUTTON, BTN_EXTRA, false, 0, 0});
}

static void positions_are_clamped_to_the_output(void **state) /* gs-media 74 */
{
    struct input *input = *state;
    input_move_to(input, 0, 0);
    input_move_to(input, 1, 1);
    input_move_to(input, -3, 7);
    input_move_to(input, 640.0f / 1279, 360.0f / 719);
    input_move_to(input, NAN, 0);
    input_move_to(input, 0, INFINITY);
    EXPECT(input, {RECORD_MOVE_TO, 0, false, 0, 0}, {RECORD_MOVE_TO, 0, false, 1279, 719},
           {RECORD_MOVE_TO, 0, false, 0, 719}, {RECORD_MOVE_TO, 0, false, 640, 360});
}

static void positions_follow_a_new_mode(void **state)
{
    struct input *input = *state;
    input_set_size(input, 1920, 1080);
    input_move_to(input, 1, 1);
    EXPECT(input, {RECORD_MOVE_TO, 0, false, 1919, 1079});
}

static void moves_and_scrolls_are_bounded(void **state)
{
    struct input *input = *state;
    input_move(input, 0, 0);
    input_move(input, -5, 3);
    input_move(input, INT32_MIN, INT32_MAX);
    input_scroll(input, INPUT_AXIS_VERTICAL, 0);
    input_scroll(input, INPUT_AXIS_VERTICAL, -30);
    input_scroll(input, INPUT_AXIS_HORIZONTAL, INT32_MAX);
    input_scroll(input, (enum input_axis)3, 120);
    EXPECT(input, {RECORD_MOVE, 0, false, -5, 3}, {RECORD_MOVE, 0, false, -(1 << 20), 1 << 20},
           {RECORD_SCROLL, INPUT_AXIS_VERTICAL, false, -30, 0},
           {RECORD_SCROLL, INPUT_AXIS_HORIZONTAL, false, 120000, 0});
}

static void only_characters_are_typed(void **state) /* gs-media 84 */
{
    struct input *input = *state;
    static const uint32_t no[] = {0, 0xD800, 0xDFFF, 0x110000, UINT32_MAX};
    for (size_t i = 0; i < LM_ARRAY_LEN(no); i++)
        input_text(input, no[i]);
    input_text(input, 0xD7FF);
    input_text(input, 0xE000);
    input_text(input, 0x10FFFF);
    EXPECT(input, {RECORD_TEXT, 0xD7FF, false, 0, 0}, {RECORD_TEXT, 0xE000, false, 0, 0},
           {RECORD_TEXT, 0x10FFFF, false, 0, 0});
}

static void release_all_releases_what_is_held_and_no_more(void **state) /* gs-media 81 */
{
    struct input *input = *state;
    input_key(input, KEY_LEFTSHIFT, true);
    input_key(input, KEY_A, true);
    input_key(input, KEY_A, false);
    input_key(input, KEY_CLEAR, true);
    input_button(input, BTN_LEFT, true);
    input_button(input, BTN_EXTRA, true);
    record_clear(input);
    input_release_all(input);
    EXPECT(input, {RECORD_BUTTON, BTN_LEFT, false, 0, 0}, {RECORD_BUTTON, BTN_EXTRA, false, 0, 0},
           {RECORD_KEY, KEY_LEFTSHIFT, false, 0, 0}, {RECORD_KEY, KEY_CLEAR, false, 0, 0});
    input_release_all(input);
    expect(input, NULL, 0);
}

static void the_list_is_bounded(void **state)
{
    struct input *input = *state;
    for (int i = 0; i < RECORD_MAX_EVENTS + 100; i++)
        assert_int_equal(input_flush(input), LM_OK);
    uint32_t count;
    const struct record_event *events = record_events(input, &count);
    assert_int_equal(count, RECORD_MAX_EVENTS);
    assert_int_equal(events[0].kind, RECORD_FLUSH);
}

static void open_refuses_what_cannot_be(void **state)
{
    static const struct {
        struct input_params params;
        int rc;
    } cases[] = {
        {{.backend = "record", .width = 0, .height = 1}, LM_EINVAL},
        {{.backend = "no-such-backend", .width = 1, .height = 1}, LM_EUNSUPPORTED},
        {{.wayland_socket = "/nonexistent/wayland-0", .output_name = "X", .width = 1, .height = 1},
         LM_EDEVICE},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct input *input;
        assert_int_equal(input_open(&cases[i].params, &input), cases[i].rc);
        assert_null(input);
    }
    input_close(NULL);
}

#define WITH_RECORD(test) cmocka_unit_test_setup_teardown(test, open_record, close_record)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RECORD(repeated_keys_are_one_event),
        WITH_RECORD(keys_out_of_range_are_ignored),
        WITH_RECORD(buttons_out_of_range_are_ignored),
        WITH_RECORD(positions_are_clamped_to_the_output),
        WITH_RECORD(positions_follow_a_new_mode),
        WITH_RECORD(moves_and_scrolls_are_bounded),
        WITH_RECORD(only_characters_are_typed),
        WITH_RECORD(release_all_releases_what_is_held_and_no_more),
        WITH_RECORD(the_list_is_bounded),
        cmocka_unit_test(open_refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
