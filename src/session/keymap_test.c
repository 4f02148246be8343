#include "session/keymap.h"

#include "core/wire/gs_test.h"

#include <stdlib.h>

static void table_equals_the_vector_file(void **state) /* gs-media 70 72 */
{
    json_t *root = gs_test_load("vk-to-evdev.json");
    const json_t *map = json_object_get(root, "map");
    uint16_t want[256] = {0};
    for (size_t i = 0; i < json_array_size(map); i++) {
        const json_t *row = json_array_get(map, i);
        unsigned long vk = strtoul(gs_test_text(row, "vk"), NULL, 16);
        want[vk & 0xff] = (uint16_t)json_integer_value(json_object_get(row, "evdev_code"));
    }
    for (unsigned vk = 0; vk < 256; vk++)
        assert_int_equal(keymap_evdev_of_vk((uint8_t)vk), want[vk]);
    json_decref(root);
}

static void every_evdev_code_of_the_table_has_a_way_back(void **state)
{
    for (unsigned vk = 0; vk < 256; vk++) {
        uint16_t evdev = keymap_evdev_of_vk((uint8_t)vk);
        if (evdev)
            assert_int_equal(keymap_evdev_of_vk(keymap_vk_of_evdev(evdev)), evdev);
    }
    assert_int_equal(keymap_vk_of_evdev(0), 0);
    assert_int_equal(keymap_vk_of_evdev(42), 0xa0); /* left and right are told apart */
    assert_int_equal(keymap_vk_of_evdev(54), 0xa1);
    assert_int_equal(keymap_vk_of_evdev(96), 0x0d);  /* keypad Enter has no key of its own */
    assert_int_equal(keymap_vk_of_evdev(121), 0x6c); /* not the Brazilian 0xc2 */
    assert_int_equal(keymap_vk_of_evdev(0x2ff), 0);
}

static void modifiers_are_known(void **state) /* gs-media 73 */
{
    for (unsigned vk = 0; vk < 256; vk++) {
        bool want =
            (vk >= 0x10 && vk <= 0x12) || (vk >= 0xa0 && vk <= 0xa5) || vk == 0x5b || vk == 0x5c;
        assert_int_equal(keymap_vk_is_modifier((uint8_t)vk), want);
    }
    for (unsigned mod = 1; mod <= 8; mod <<= 1)
        assert_int_not_equal(keymap_evdev_of_modifier((uint8_t)mod), 0);
    assert_int_equal(keymap_evdev_of_modifier(16), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_equals_the_vector_file),
        cmocka_unit_test(every_evdev_code_of_the_table_has_a_way_back),
        cmocka_unit_test(modifiers_are_known),
    };
    return cmocka_run_group_tests_name("keymap", tests, NULL, NULL);
}
