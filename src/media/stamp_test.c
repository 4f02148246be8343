#include "media/stamp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = STAMP_WIDTH + 32, HEIGHT = STAMP_HEIGHT + 8, STRIDE = WIDTH * 4 + 16 };

static uint8_t bgrx[STRIDE * HEIGHT];
static uint8_t luma[(WIDTH + 3) * HEIGHT];

/* Limited-range luma of grey pixels, with noise of at most `noise` either way. */
static void to_luma(int noise)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            int value = 16 + bgrx[y * STRIDE + x * 4] * 219 / 255;
            if (noise)
                value += rand() % (2 * noise + 1) - noise;
            luma[y * (WIDTH + 3) + x] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
        }
}

static void stamp_survives_drawing_and_reading(void **state)
{
    static const struct stamp cases[] = {{0, 0},
                                         {1, 1024},
                                         {0xFFFFFFFF, UINT64_C(0x3FFFFFFFFFFFFFF)},
                                         {77, UINT64_C(123456789012345)}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        memset(bgrx, 0x55, sizeof bgrx);
        assert_int_equal(stamp_draw_bgrx(&cases[i], bgrx, STRIDE, WIDTH, HEIGHT), 0);
        to_luma(0);
        struct stamp out;
        assert_int_equal(stamp_read_luma(luma, WIDTH + 3, WIDTH, HEIGHT, &out), 0);
        assert_int_equal(out.counter, cases[i].counter);
        assert_true(out.time_ns == cases[i].time_ns >> 10 << 10);
        assert_int_equal(bgrx[STAMP_WIDTH * 4], 0x55);
        assert_int_equal(bgrx[STAMP_HEIGHT * STRIDE], 0x55);
    }
}

static void stamp_survives_coding_noise(void **state)
{
    unsigned seed = 20240229;
    printf("seed %u\n", seed);
    srand(seed);
    for (uint32_t i = 0; i < 50; i++) {
        struct stamp in = {i * 7919, (uint64_t)i * 1000003 << 10}, out;
        assert_int_equal(stamp_draw_bgrx(&in, bgrx, STRIDE, WIDTH, HEIGHT), 0);
        to_luma(90);
        assert_int_equal(stamp_read_luma(luma, WIDTH + 3, WIDTH, HEIGHT, &out), 0);
        assert_int_equal(out.counter, in.counter);
    }
}

static void damaged_stamp_is_refused(void **state)
{
    struct stamp in = {42, UINT64_C(99) << 20}, out;
    uint8_t bytes[STAMP_BYTES];
    stamp_encode(&in, bytes);
    for (int bit = 0; bit < STAMP_BYTES * 8; bit++) {
        uint8_t bad[STAMP_BYTES];
        memcpy(bad, bytes, sizeof bad);
        bad[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        assert_int_equal(stamp_decode(bad, &out), bit < 16 ? LM_ENOENT : LM_ECORRUPT);
    }
    assert_int_equal(stamp_decode(bytes, &out), 0);
}

static void stamp_bytes_are_big_endian_with_crc(void **state)
{
    struct stamp in = {0x01020304, UINT64_C(0x0A0B0C0D0E0F) << 10};
    uint8_t bytes[STAMP_BYTES];
    stamp_encode(&in, bytes);
    static const uint8_t head[12] = {0xA5, 0xC3, 1, 2, 3, 4, 10, 11, 12, 13, 14, 15};
    assert_memory_equal(bytes, head, sizeof head);
}

static void small_images_are_refused(void **state)
{
    struct stamp out = {0};
    assert_int_equal(stamp_draw_bgrx(&out, bgrx, STRIDE, STAMP_WIDTH - 1, HEIGHT), LM_EINVAL);
    assert_int_equal(stamp_read_luma(luma, WIDTH, WIDTH, STAMP_HEIGHT - 1, &out), LM_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamp_survives_drawing_and_reading),
        cmocka_unit_test(stamp_survives_coding_noise),
        cmocka_unit_test(damaged_stamp_is_refused),
        cmocka_unit_test(stamp_bytes_are_big_endian_with_crc),
        cmocka_unit_test(small_images_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
