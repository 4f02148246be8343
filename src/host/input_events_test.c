#include "host/input_events.h"

#include "core/base/check.h"
#include "host/input/record.h"

#include <linux/input-event-codes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 1920, HEIGHT = 1080 };

static int open_record(void **state)
{
    const struct input_params params = {.backend = "record", .width = WIDTH, .height = HEIGHT};
    return input_open(&params, (struct input **)state);
}

static int close_record(void **state)
{
    input_close(*state);
    return 0;
}

static void expect(struct input *input, const struct record_event *events, uint32_t count)
{
    uint32_t seen;
    const struct record_event *got = record_events(input, &seen);
    assert_int_equal(seen, count);
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
#define KEY(code, down)                                                                            \
    {                                                                                              \
        RECORD_KEY, code, down, 0, 0                                                               \
    }

static void press(struct input *input, uint8_t vk, uint8_t modifiers, bool down)
{
    const struct lm_gs_input_event event = {
        .kind = LM_GS_INPUT_KEY, .key = {.vk = vk, .modifiers = modifiers, .down = down}};
    input_events_apply(input, &event);
}

static void a_missing_modifier_is_pressed_around_the_key(void **state)
{
    static const struct {
        uint8_t mask;
        uint32_t code;
    } rows[] = {{LM_GS_MOD_SHIFT, KEY_LEFTSHIFT},
                {LM_GS_MOD_CTRL, KEY_LEFTCTRL},
                {LM_GS_MOD_ALT, KEY_LEFTALT},
                {LM_GS_MOD_META, KEY_LEFTMETA}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        press(*state, 'A', rows[i].mask, true);
        EXPECT(*state, KEY(rows[i].code, true), KEY(KEY_A, true), KEY(rows[i].code, false));
        press(*state, 'A', rows[i].mask, false);
        EXPECT(*state, KEY(KEY_A, false));
    }
    press(*state, 'A', LM_GS_MOD_SHIFT | LM_GS_MOD_META, true);
    EXPECT(*state, KEY(KEY_LEFTSHIFT, true), KEY(KEY_LEFTMETA, true), KEY(KEY_A, true),
           KEY(KEY_LEFTMETA, false), KEY(KEY_LEFTSHIFT, false));
}

static void a_held_modifier_of_either_side_is_left_alone(void **state)
{
    static const struct {
        uint8_t vk, mask;
        uint32_t code;
    } rows[] = {{0x10, LM_GS_MOD_SHIFT, KEY_LEFTSHIFT}, {0xA1, LM_GS_MOD_SHIFT, KEY_RIGHTSHIFT},
                {0xA2, LM_GS_MOD_CTRL, KEY_LEFTCTRL},   {0xA3, LM_GS_MOD_CTRL, KEY_RIGHTCTRL},
                {0xA5, LM_GS_MOD_ALT, KEY_RIGHTALT},    {0x5C, LM_GS_MOD_META, KEY_RIGHTMETA}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        press(*state, rows[i].vk, rows[i].mask, true);
        press(*state, 'B', rows[i].mask, true);
        press(*state, 'B', rows[i].mask, false);
        press(*state, rows[i].vk, 0, false);
        EXPECT(*state, KEY(rows[i].code, true), KEY(KEY_B, true), KEY(KEY_B, false),
               KEY(rows[i].code, false));
    }
}

static void keys_are_released_by_their_code_alone(void **state)
{
    press(*state, 0xA0, LM_GS_MOD_SHIFT, true);
    press(*state, 'C', LM_GS_MOD_SHIFT, true);
    press(*state, 0xA0, 0, false);
    press(*state, 'C', LM_GS_MOD_CTRL, false); /* the modifiers changed in between */
    EXPECT(*state, KEY(KEY_LEFTSHIFT, true), KEY(KEY_C, true), KEY(KEY_LEFTSHIFT, false),
           KEY(KEY_C, false));
}

static void repeats_and_releases_of_nothing_make_no_event(void **state)
{
    press(*state, 'D', LM_GS_MOD_SHIFT, true);
    record_clear(*state);
    press(*state, 'D', LM_GS_MOD_SHIFT, true);
    press(*state, 'E', LM_GS_MOD_SHIFT, false);
    press(*state, 0x07, 0, true); /* no such key */
    press(*state, 0xFF, LM_GS_MOD_SHIFT, true);
    expect(*state, NULL, 0);
}

static void positions_scale_to_the_output_and_stay_on_it(void **state)
{
    static const struct {
        struct lm_gs_mouse_place place;
        int32_t x, y;
    } rows[] = {
        {{0, 0, 1280, 720}, 0, 0},
        {{640, 360, 1280, 720}, 960, 540},
        {{1280, 720, 1280, 720}, WIDTH - 1, HEIGHT - 1},
        {{1281, 721, 1280, 720}, WIDTH - 1, HEIGHT - 1},
        {{-1, -32768, 1280, 720}, 0, 0},
        {{32767, 32767, 1, 1}, WIDTH - 1, HEIGHT - 1},
        {{1, 0, 1, 32767}, WIDTH - 1, 0},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        const struct lm_gs_input_event event = {.kind = LM_GS_INPUT_MOUSE_PLACE,
                                                .place = rows[i].place};
        input_events_apply(*state, &event);
        EXPECT(*state, {RECORD_MOVE_TO, 0, false, rows[i].x, rows[i].y});
    }
}

static void moves_are_passed_on_as_they_are(void **state)
{
    input_events_apply(*state, &(struct lm_gs_input_event){.kind = LM_GS_INPUT_MOUSE_MOVE,
                                                           .move = {-32768, 32767}});
    input_events_apply(*state, &(struct lm_gs_input_event){.kind = LM_GS_INPUT_MOUSE_MOVE});
    EXPECT(*state, {RECORD_MOVE, 0, false, -32768, 32767});
}

static void buttons_have_their_codes_and_others_are_ignored(void **state)
{
    static const struct {
        uint8_t button;
        uint32_t code; /* 0: none */
    } rows[] = {{0, 0},        {1, BTN_LEFT},  {2, BTN_MIDDLE}, {3, BTN_RIGHT},
                {4, BTN_SIDE}, {5, BTN_EXTRA}, {6, 0},          {255, 0}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_gs_input_event event = {.kind = LM_GS_INPUT_MOUSE_BUTTON,
                                          .button = {true, rows[i].button}};
        input_events_apply(*state, &event);
        event.button.down = false;
        input_events_apply(*state, &event);
        if (rows[i].code)
            EXPECT(*state, {RECORD_BUTTON, rows[i].code, true, 0, 0},
                   {RECORD_BUTTON, rows[i].code, false, 0, 0});
        else
            expect(*state, NULL, 0);
    }
}

static void scrolling_keeps_axis_sign_and_fractions(void **state)
{
    static const int16_t amounts[] = {120, -120, 1, -32768, 32767};
    for (size_t i = 0; i < LM_ARRAY_LEN(amounts); i++) {
        struct lm_gs_input_event event = {.kind = LM_GS_INPUT_SCROLL, .scroll = {amounts[i]}};
        input_events_apply(*state, &event);
        event.kind = LM_GS_INPUT_HSCROLL;
        input_events_apply(*state, &event);
        EXPECT(*state, {RECORD_SCROLL, INPUT_AXIS_VERTICAL, false, amounts[i], 0},
               {RECORD_SCROLL, INPUT_AXIS_HORIZONTAL, false, amounts[i], 0});
    }
}

static void malformed_text_is_skipped_and_the_rest_typed(void **state)
{
    static const struct {
        const char *utf8;
        size_t size_bytes;
        uint32_t typed[3]; /* 0-ended */
    } rows[] = {
        {"a", 1, {'a'}},
        {"\xC3\xA4", 2, {0xE4}},
        {"\xE2\x82\xAC", 3, {0x20AC}},
        {"\xF0\x9F\x98\x80", 4, {0x1F600}},
        {"", 0, {0}},
        {"\0b", 2, {'b'}},
        {"\xC3", 1, {0}},                 /* cut */
        {"\xE2\x82", 2, {0}},             /* cut */
        {"\x80x", 2, {'x'}},              /* continuation alone */
        {"\xC3x", 2, {'x'}},              /* no continuation */
        {"\xC1\x81y", 3, {'y'}},          /* overlong */
        {"\xE0\x80\x81", 3, {0}},         /* overlong */
        {"\xED\xA0\x80z", 4, {'z'}},      /* surrogate */
        {"\xF4\x90\x80\x80z", 5, {'z'}},  /* above U+10FFFF */
        {"\xFF\xFEz", 3, {'z'}},          /* never in UTF-8 */
        {"\xF8\x88\x80\x80\x80", 5, {0}}, /* five bytes */
        {"\xC3\xA4\xC3\xB6", 4, {0xE4, 0xF6}},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_gs_input_event event = {.kind = LM_GS_INPUT_TEXT,
                                          .text = {.size_bytes = (uint8_t)rows[i].size_bytes}};
        memset(event.text.utf8, 'Q', sizeof event.text.utf8); /* what lies behind is not read */
        memcpy(event.text.utf8, rows[i].utf8, rows[i].size_bytes);
        input_events_apply(*state, &event);
        struct record_event events[3] = {0};
        uint32_t count = 0;
        for (; rows[i].typed[count]; count++)
            events[count] =
                (struct record_event){.kind = RECORD_TEXT, .code = rows[i].typed[count]};
        expect(*state, events, count);
    }
}

static void what_is_not_for_keyboard_and_pointer_is_ignored(void **state)
{
    static const enum lm_gs_input_kind kinds[] = {LM_GS_INPUT_PAD_STATE, LM_GS_INPUT_HAPTICS,
                                                  LM_GS_INPUT_TOUCH,     LM_GS_INPUT_PEN,
                                                  LM_GS_INPUT_PAD_TOUCH, LM_GS_INPUT_PAD_MOTION};
    for (size_t i = 0; i < LM_ARRAY_LEN(kinds); i++)
        input_events_apply(*state, &(struct lm_gs_input_event){.kind = kinds[i]});
    expect(*state, NULL, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_record, close_record)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_missing_modifier_is_pressed_around_the_key),
        TEST(a_held_modifier_of_either_side_is_left_alone),
        TEST(keys_are_released_by_their_code_alone),
        TEST(repeats_and_releases_of_nothing_make_no_event),
        TEST(positions_scale_to_the_output_and_stay_on_it),
        TEST(moves_are_passed_on_as_they_are),
        TEST(buttons_have_their_codes_and_others_are_ignored),
        TEST(scrolling_keeps_axis_sign_and_fractions),
        TEST(malformed_text_is_skipped_and_the_rest_typed),
        TEST(what_is_not_for_keyboard_and_pointer_is_ignored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
