#include "client/present/font.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { WIDTH = 64, HEIGHT = 20, STRIDE = 70, INK = 7 };

static uint32_t pixels[STRIDE * HEIGHT];

static uint32_t draw(const char *text, uint32_t width, uint32_t height)
{
    memset(pixels, 0, sizeof pixels);
    font_draw(text, INK, pixels, width, height, STRIDE);
    uint32_t count = 0;
    for (size_t i = 0; i < STRIDE * HEIGHT; i++)
        count += pixels[i] == INK;
    return count;
}

static void every_sign_has_its_own_picture(void **state)
{
    static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.,:/%()-+=_";
    static uint32_t seen[sizeof signs][STRIDE * HEIGHT];
    for (size_t i = 0; i + 1 < sizeof signs; i++) {
        char text[2] = {signs[i], 0};
        assert_in_range(draw(text, WIDTH, HEIGHT), 4, 24);
        memcpy(seen[i], pixels, sizeof pixels);
        for (size_t k = 0; k < i; k++)
            assert_memory_not_equal(seen[k], pixels, sizeof pixels);
        for (size_t y = 0; y < HEIGHT; y++)
            for (size_t x = 0; x < STRIDE; x++)
                assert_true(pixels[y * STRIDE + x] == 0 || (x < 5 && y < 7));
    }
}

static void drawing_stays_inside(void **state)
{
    assert_int_equal(draw("WWWWWWWWWWWWWWWWWWWWWWWW\n\n\n\n\n\nW", 10, 4), draw("WW", 10, 4));
    assert_int_equal(draw("~ \x80", WIDTH, HEIGHT), 0);
    assert_int_equal(draw("abc", WIDTH, HEIGHT), draw("ABC", WIDTH, HEIGHT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sign_has_its_own_picture),
        cmocka_unit_test(drawing_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
