#include "core/wire/gs_input.h"

#include "core/base/bytes.h"
#include "core/wire/gs_test.h"

#include <math.h>

/* What the captured packets of the vector file say, in its order. */
static const struct lm_gs_input_event expected[] = {
    {.kind = LM_GS_INPUT_HAPTICS},
    {.kind = LM_GS_INPUT_KEY, .key = {true, true, 0x41, LM_GS_MOD_SHIFT}},
    {.kind = LM_GS_INPUT_KEY, .key = {false, false, 0x41, 0}},
    {.kind = LM_GS_INPUT_MOUSE_MOVE, .move = {5, -3}},
    {.kind = LM_GS_INPUT_MOUSE_PLACE, .place = {100, 200, 1279, 719}},
    {.kind = LM_GS_INPUT_MOUSE_BUTTON, .button = {true, LM_GS_BUTTON_LEFT}},
    {.kind = LM_GS_INPUT_MOUSE_BUTTON, .button = {false, LM_GS_BUTTON_X2}},
    {.kind = LM_GS_INPUT_SCROLL, .scroll = {-240}},
    {.kind = LM_GS_INPUT_SCROLL, .scroll = {30}},
    {.kind = LM_GS_INPUT_HSCROLL, .scroll = {120}},
    {.kind = LM_GS_INPUT_PAD_STATE,
     .pad = {1, 3, LM_GS_PAD_A | LM_GS_PAD_LB | LM_GS_PAD_PADDLE1 | LM_GS_PAD_MISC, 0x80, 0xff,
             -32768, 32767, 100, -100}},
    {.kind = LM_GS_INPUT_PAD_ARRIVAL,
     .arrival = {0, LM_GS_PAD_TYPE_PS,
                 LM_GS_CAP_ANALOG_TRIGGERS | LM_GS_CAP_RUMBLE | LM_GS_CAP_GYROSCOPE |
                     LM_GS_CAP_TOUCHPAD | LM_GS_CAP_TWO_TOUCHPADS,
                 0x3ff7ff}},
    {.kind = LM_GS_INPUT_PAD_STATE, .pad = {.active_mask = 1}},
    {.kind = LM_GS_INPUT_TOUCH,
     .touch = {LM_GS_POINTER_DOWN, 7, 90, 0.25f, 0.5f, 1.0f, 0.01f, 0.02f}},
    {.kind = LM_GS_INPUT_TOUCH,
     .touch = {LM_GS_POINTER_MOVE, 7, LM_GS_ROTATION_UNKNOWN, 0.5f, 0.5f, 1.0f, 0.01f, 0.02f}},
    {.kind = LM_GS_INPUT_PEN, .pen = {LM_GS_POINTER_DOWN, 1, 1, 180, 45, 0.1f, 0.2f, 0.75f, 0, 0}},
    {.kind = LM_GS_INPUT_PAD_TOUCH, .pad_touch = {0, LM_GS_POINTER_DOWN, 1, 3, 0.5f, 0.25f, 1.0f}},
    {.kind = LM_GS_INPUT_PAD_MOTION, .motion = {0, LM_GS_SENSOR_ACCELEROMETER, 0, 9.8f, 0}},
    {.kind = LM_GS_INPUT_PAD_MOTION, .motion = {0, LM_GS_SENSOR_GYROSCOPE, 1, 2, 3}},
    {.kind = LM_GS_INPUT_PAD_MOTION, .motion = {0, LM_GS_SENSOR_GYROSCOPE, 0, 0, 0}},
    {.kind = LM_GS_INPUT_PAD_BATTERY, .battery = {0, 3, 55}},
    {.kind = LM_GS_INPUT_TEXT, .text = {1, "a"}},
    {.kind = LM_GS_INPUT_TEXT, .text = {2, "\xc3\xa9"}},
    {.kind = LM_GS_INPUT_TEXT, .text = {3, "\xe2\x82\xac"}},
};

static void captured_packets_parse_to_the_stated_values(void **state) /* gs-media 70 */
{
    json_t *root = gs_test_load("input.json");
    const json_t *events = json_object_get(root, "events");
    assert_int_equal(json_array_size(events), LM_ARRAY_LEN(expected));
    for (size_t i = 0; i < LM_ARRAY_LEN(expected); i++) {
        const json_t *event = json_array_get(events, i);
        uint8_t plain[256], packet[LM_GS_INPUT_MAX_BYTES];
        size_t size_bytes = gs_test_bytes(event, "plaintext_hex", plain, sizeof plain);
        struct lm_gs_input_event got;
        memset(&got, 0, sizeof got);
        assert_int_equal(lm_gs_input_parse(plain + 4, size_bytes - 4, &got), LM_OK);
        assert_int_equal(got.kind, expected[i].kind);
        if (memcmp(&got, &expected[i], sizeof got) != 0)
            fail_msg("%s", gs_test_text(event, "event"));
        assert_int_equal(lm_gs_input_encode(&got, packet, sizeof packet), size_bytes - 4);
        assert_memory_equal(packet, plain + 4, size_bytes - 4);
        int channel = (int)json_integer_value(json_object_get(event, "channel"));
        assert_int_equal(lm_gs_input_channel(&got), channel);
        bool reliable = strcmp(gs_test_text(event, "delivery"), "reliable") == 0;
        assert_int_equal(lm_gs_input_reliable(&got), reliable);
    }
    json_decref(root);
}

static void byte_order_differs_by_kind(void **state) /* gs-media 71 */
{
    struct lm_gs_input_event event = {.kind = LM_GS_INPUT_MOUSE_MOVE, .move = {0x0102, 0x0304}};
    uint8_t out[LM_GS_INPUT_MAX_BYTES];
    assert_int_equal(lm_gs_input_encode(&event, out, sizeof out), 12);
    assert_memory_equal(out + 8, "\1\2\3\4", 4);
    event = (struct lm_gs_input_event){.kind = LM_GS_INPUT_PAD_STATE, .pad = {.left_x = 0x0102}};
    assert_int_equal(lm_gs_input_encode(&event, out, sizeof out), 34);
    assert_memory_equal(out + 20, "\2\1", 2);
}

static void key_codes_are_masked(void **state) /* gs-media 72 */
{
    const uint8_t packet[] = {0, 0, 0, 10, 4, 0, 0, 0, 0, 0x41, 0x00, 0, 0, 0};
    struct lm_gs_input_event event;
    assert_int_equal(lm_gs_input_parse(packet, sizeof packet, &event), LM_OK);
    assert_int_equal(event.key.vk, 0x41);
}

static void touch_floats_are_clamped_and_must_be_finite(void **state) /* gs-media 74 */
{
    static const struct {
        float x;
        int result;
        float want;
    } cases[] = {
        {-0.5f, LM_OK, 0},
        {1.5f, LM_OK, 1},
        {NAN, LM_EPROTO, 0},
        {INFINITY, LM_EPROTO, 0},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct lm_gs_input_event in = {.kind = LM_GS_INPUT_TOUCH, .touch.x = cases[i].x}, event;
        uint8_t packet[LM_GS_INPUT_MAX_BYTES];
        int size_bytes = lm_gs_input_encode(&in, packet, sizeof packet);
        assert_int_equal(size_bytes, 36);
        assert_int_equal(lm_gs_input_parse(packet, 36, &event), cases[i].result);
        if (cases[i].result == LM_OK)
            assert_true(event.touch.x == cases[i].want);
    }
}

static void absolute_places_are_clamped_and_planes_not_empty(void **state) /* gs-media 74 */
{
    static const struct {
        struct lm_gs_mouse_place in;
        int result;
        int16_t x, y;
    } cases[] = {
        {{1280, -5, 1279, 719}, LM_OK, 1279, 0}, {{10, 720, 1279, 719}, LM_OK, 10, 719},
        {{10, 10, 0, 719}, LM_EPROTO, 0, 0},     {{10, 10, 1279, 0}, LM_EPROTO, 0, 0},
        {{10, 10, -1, 719}, LM_EPROTO, 0, 0},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct lm_gs_input_event in = {.kind = LM_GS_INPUT_MOUSE_PLACE, .place = cases[i].in};
        struct lm_gs_input_event event;
        uint8_t packet[LM_GS_INPUT_MAX_BYTES];
        assert_int_equal(lm_gs_input_encode(&in, packet, sizeof packet), 18);
        assert_int_equal(lm_gs_input_parse(packet, 18, &event), cases[i].result);
        if (cases[i].result != LM_OK)
            continue;
        assert_int_equal(event.place.x, cases[i].x);
        assert_int_equal(event.place.y, cases[i].y);
    }
}

static void pads_above_fifteen_are_ignored(void **state) /* gs-media 77 */
{
    static const enum lm_gs_input_kind kinds[] = {
        LM_GS_INPUT_PAD_STATE,  LM_GS_INPUT_PAD_ARRIVAL, LM_GS_INPUT_PAD_TOUCH,
        LM_GS_INPUT_PAD_MOTION, LM_GS_INPUT_PAD_BATTERY,
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(kinds); i++) {
        for (unsigned pad = 15; pad <= 16; pad++) {
            struct lm_gs_input_event in = {.kind = kinds[i]}, event;
            uint8_t packet[LM_GS_INPUT_MAX_BYTES];
            in.pad.pad = (uint8_t)pad; /* the first member of every pad event */
            if (kinds[i] == LM_GS_INPUT_PAD_MOTION)
                in.motion.sensor = LM_GS_SENSOR_GYROSCOPE;
            int size_bytes = lm_gs_input_encode(&in, packet, sizeof packet);
            assert_true(size_bytes > 0);
            int want = pad < LM_GS_PAD_COUNT ? LM_OK : LM_ENOENT;
            assert_int_equal(lm_gs_input_parse(packet, (size_t)size_bytes, &event), want);
        }
    }
}

static void sign_extended_buttons_are_only_the_low_word(void **state)
{
    struct lm_gs_input_event in = {.kind = LM_GS_INPUT_PAD_STATE, .pad.buttons = 0xffff8000};
    struct lm_gs_input_event event;
    uint8_t packet[LM_GS_INPUT_MAX_BYTES];
    assert_int_equal(lm_gs_input_encode(&in, packet, sizeof packet), 34);
    assert_int_equal(lm_gs_input_parse(packet, 34, &event), LM_OK);
    assert_int_equal(event.pad.buttons, LM_GS_PAD_Y);
}

static void every_cut_packet_is_refused(void **state) /* gs-media 82 */
{
    for (size_t i = 0; i < LM_ARRAY_LEN(expected); i++) {
        uint8_t packet[LM_GS_INPUT_MAX_BYTES];
        struct lm_gs_input_event event;
        int whole = lm_gs_input_encode(&expected[i], packet, sizeof packet);
        assert_true(whole > 0);
        for (int size_bytes = 0; size_bytes < whole; size_bytes++) {
            /* both: the size field tells of more than came, and a size field that is small */
            lm_put_be32(packet, (uint32_t)whole - 4);
            assert_int_equal(lm_gs_input_parse(packet, (size_t)size_bytes, &event), LM_EPROTO);
            if (size_bytes < 4 || (expected[i].kind == LM_GS_INPUT_TEXT && size_bytes > 8))
                continue;
            lm_put_be32(packet, (uint32_t)size_bytes - 4);
            assert_int_equal(lm_gs_input_parse(packet, (size_t)whole, &event), LM_EPROTO);
        }
    }
}

static void surplus_bytes_and_unknown_magics_are_no_error(void **state) /* gs-media 62 */
{
    const uint8_t haptics[] = {0, 0, 0, 8, 0x0d, 0, 0, 0, 1, 0, 9, 9};
    const uint8_t unknown[] = {0, 0, 0, 6, 0x77, 0, 0, 0x55, 1, 0};
    struct lm_gs_input_event event;
    assert_int_equal(lm_gs_input_parse(haptics, sizeof haptics, &event), LM_OK);
    assert_int_equal(lm_gs_input_parse(unknown, sizeof unknown, &event), LM_ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(captured_packets_parse_to_the_stated_values),
        cmocka_unit_test(byte_order_differs_by_kind),
        cmocka_unit_test(key_codes_are_masked),
        cmocka_unit_test(touch_floats_are_clamped_and_must_be_finite),
        cmocka_unit_test(absolute_places_are_clamped_and_planes_not_empty),
        cmocka_unit_test(pads_above_fifteen_are_ignored),
        cmocka_unit_test(sign_extended_buttons_are_only_the_low_word),
        cmocka_unit_test(every_cut_packet_is_refused),
        cmocka_unit_test(surplus_bytes_and_unknown_magics_are_no_error),
    };
    return cmocka_run_group_tests_name("gs_input", tests, NULL, NULL);
}
