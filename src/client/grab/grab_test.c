#include "client/grab/grab.h"

#include "client/grab/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SENT = 256 };

static struct lm_gs_input_event sent[MAX_SENT];
static size_t sent_count;
static struct grab grab;

static void keep(void *user, const struct lm_gs_input_event *event)
{
    assert_in_range(sent_count, 0, MAX_SENT - 1);
    sent[sent_count++] = *event;
}

static int start(void **state)
{
    sent_count = 0;
    grab_init(&grab, 1280, 720, keep, NULL);
    return 0;
}

static void every_scancode_gives_a_key_the_host_knows(void **state)
{
    json_t *root = json_load_file(LUMEN_VECTORS "/vk-to-evdev.json", 0, NULL);
    assert_non_null(root);
    uint8_t known[256] = {0};
    size_t row;
    json_t *value;
    json_array_foreach(json_object_get(root, "map"), row, value)
        known[strtoul(json_string_value(json_object_get(value, "vk")), NULL, 16) & 0xFF] = 1;
    int count = 0;
    for (int scancode = 0; scancode < 512; scancode++) {
        uint8_t vk = keys_vk_of_scancode(scancode);
        if (vk && !known[vk])
            fail_msg("scancode %d gives 0x%02x", scancode, vk);
        count += vk != 0;
    }
    assert_in_range(count, 110, 200);
    json_decref(root);
}

static void scancodes_are_places_on_a_us_keyboard(void **state)
{
    static const struct {
        int scancode;
        uint8_t vk;
    } cases[] = {{4, 'A'},    {29, 'Z'},   {30, '1'},   {39, '0'},  {40, 0x0D}, {58, 0x70},
                 {69, 0x7B},  {104, 0x7C}, {115, 0x87}, {89, 0x61}, {97, 0x69}, {98, 0x60},
                 {224, 0xA2}, {231, 0x5C}, {0, 0},      {3, 0},     {511, 0},   {82, 0x26}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(keys_vk_of_scancode(cases[i].scancode), cases[i].vk);
}

static void names_give_keys(void **state)
{
    static const struct {
        const char *name;
        uint8_t vk;
    } cases[] = {{"a", 'A'},      {"A", 'A'}, {"7", '7'},      {"enter", 0x0D}, {"F1", 0x70},
                 {"f24", 0x87},   {"F25", 0}, {"0x41", 0x41},  {"0x1FF", 0},    {"KP5", 0x65},
                 {"ctrl", 0xA2},  {"", 0},    {"nonsense", 0}, {"KP0", 0x60},   {"F", 'F'},
                 {"102ND", 0xE2}, {"0x", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_int_equal(keys_vk_of_name(cases[i].name), cases[i].vk);
}

static void keys_carry_the_modifiers_held(void **state)
{
    assert_int_equal(grab_key(&grab, 0xA2, true), GRAB_NONE);
    assert_int_equal(grab_key(&grab, 'C', true), GRAB_NONE);
    assert_int_equal(grab_key(&grab, 'C', true), GRAB_NONE); /* a repeat */
    assert_int_equal(grab_key(&grab, 'C', false), GRAB_NONE);
    assert_int_equal(grab_key(&grab, 0xA2, false), GRAB_NONE);
    assert_int_equal(sent_count, 4);
    assert_int_equal(sent[1].key.vk, 'C');
    assert_int_equal(sent[1].key.modifiers, LM_GS_MOD_CTRL);
    assert_true(sent[1].key.down);
    assert_false(sent[2].key.down);
    assert_int_equal(sent[3].key.modifiers, 0);
}

static void chords_release_everything_and_stay_here(void **state)
{
    static const struct {
        uint8_t vk;
        enum grab_command command;
    } cases[] = {{'Q', GRAB_LEAVE},
                 {'F', GRAB_FULL_SCREEN},
                 {'S', GRAB_OVERLAY},
                 {'Z', GRAB_TOGGLE},
                 {'V', GRAB_PASTE}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(NULL);
        static const uint8_t mods[] = {0xA2, 0xA4, 0xA1};
        for (size_t m = 0; m < sizeof mods; m++)
            assert_int_equal(grab_key(&grab, mods[m], true), GRAB_NONE);
        assert_int_equal(grab_key(&grab, cases[i].vk, true), cases[i].command);
        assert_int_equal(sent_count, 6);
        for (size_t s = 3; s < 6; s++)
            assert_false(sent[s].key.down);
        assert_int_equal(grab_key(&grab, cases[i].vk, false), GRAB_NONE);
        assert_int_equal(grab_key(&grab, 0xA2, false), GRAB_NONE);
        assert_int_equal(sent_count, 6);
    }
}

static void places_map_the_view_onto_the_stream(void **state)
{
    static const struct {
        struct grab_view view;
        int32_t x, y;
        int16_t stream_x, stream_y;
    } cases[] = {
        {{0, 0, 1280, 720}, 640, 360, 640, 360},     {{0, 0, 1280, 720}, 1279, 719, 1279, 719},
        {{0, 0, 1280, 720}, 5000, -3, 1279, 0},      {{100, 50, 640, 360}, 100, 50, 0, 0},
        {{100, 50, 640, 360}, 99, 409, 0, 718},      {{100, 50, 640, 360}, 420, 230, 640, 360},
        {{0, 0, 2560, 1440}, 2559, 1439, 1279, 719}, {{0, 0, 0, 0}, 7, 7, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        start(NULL);
        grab.view = cases[i].view;
        grab_motion(&grab, cases[i].x, cases[i].y, 0, 0);
        grab_flush(&grab);
        grab_flush(&grab);
        assert_int_equal(sent_count, 1);
        assert_int_equal(sent[0].place.x, cases[i].stream_x);
        assert_int_equal(sent[0].place.y, cases[i].stream_y);
        assert_int_equal(sent[0].place.width, 1279);
        assert_int_equal(sent[0].place.height, 719);
    }
}

static void moves_add_up_and_are_split_at_16_bits(void **state)
{
    grab.relative = true;
    grab_motion(&grab, 0, 0, 3, -1);
    grab_motion(&grab, 0, 0, 4, -1);
    grab_flush(&grab);
    assert_int_equal(sent_count, 1);
    assert_int_equal(sent[0].move.dx, 7);
    assert_int_equal(sent[0].move.dy, -2);
    grab_move(&grab, 70000, -40000);
    grab_flush(&grab);
    int32_t x = 0, y = 0;
    for (size_t i = 1; i < sent_count; i++) {
        x += sent[i].move.dx;
        y += sent[i].move.dy;
    }
    assert_int_equal(x, 70000);
    assert_int_equal(y, -40000);
}

static void a_button_comes_after_the_motion_before_it(void **state)
{
    grab_place(&grab, 10, 20);
    grab_button(&grab, LM_GS_BUTTON_LEFT, true);
    grab_button(&grab, LM_GS_BUTTON_LEFT, true);
    grab_button(&grab, 9, true);
    assert_int_equal(sent_count, 2);
    assert_int_equal(sent[0].kind, LM_GS_INPUT_MOUSE_PLACE);
    assert_int_equal(sent[1].kind, LM_GS_INPUT_MOUSE_BUTTON);
}

static void small_wheel_steps_are_not_lost(void **state)
{
    for (int i = 0; i < 240; i++)
        grab_wheel(&grab, 0, 1.0f / 240);
    int32_t sum = 0;
    for (size_t i = 0; i < sent_count && i < MAX_SENT; i++)
        sum += sent[i].scroll.amount;
    assert_in_range(sum, 119, 120);
    start(NULL);
    grab_wheel(&grab, -1, 0);
    assert_int_equal(sent[0].kind, LM_GS_INPUT_HSCROLL);
    assert_int_equal(sent[0].scroll.amount, -120);
}

static void text_is_sent_by_code_points(void **state)
{
    grab_text(&grab, "h\xC3\xA9\xFF\xE2\x82\xAC\xF0\x9F\x98\x80\xC3");
    static const struct {
        const char *bytes;
        uint8_t size;
    } expected[] = {{"h", 1}, {"\xC3\xA9", 2}, {"\xE2\x82\xAC", 3}, {"\xF0\x9F\x98\x80", 4}};
    assert_int_equal(sent_count, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(sent[i].text.size_bytes, expected[i].size);
        assert_memory_equal(sent[i].text.utf8, expected[i].bytes, expected[i].size);
    }
}

static void release_all_leaves_nothing_held(void **state)
{
    grab_key(&grab, 'W', true);
    grab_key(&grab, 0xA0, true);
    grab_button(&grab, LM_GS_BUTTON_RIGHT, true);
    sent_count = 0;
    grab_release_all(&grab);
    assert_int_equal(sent_count, 3);
    grab_release_all(&grab);
    assert_int_equal(sent_count, 3);
    assert_int_equal(grab_key(&grab, 'W', false), GRAB_NONE);
    assert_int_equal(sent_count, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scancode_gives_a_key_the_host_knows),
        cmocka_unit_test(scancodes_are_places_on_a_us_keyboard),
        cmocka_unit_test(names_give_keys),
        cmocka_unit_test_setup(keys_carry_the_modifiers_held, start),
        cmocka_unit_test_setup(chords_release_everything_and_stay_here, start),
        cmocka_unit_test_setup(places_map_the_view_onto_the_stream, start),
        cmocka_unit_test_setup(moves_add_up_and_are_split_at_16_bits, start),
        cmocka_unit_test_setup(a_button_comes_after_the_motion_before_it, start),
        cmocka_unit_test_setup(small_wheel_steps_are_not_lost, start),
        cmocka_unit_test_setup(text_is_sent_by_code_points, start),
        cmocka_unit_test_setup(release_all_leaves_nothing_held, start),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
