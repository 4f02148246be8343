#include "host/convert/convert.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static struct image source_of(uint32_t width, uint32_t height)
{
    struct image image = {.format = IMAGE_BGRX, .width = width, .height = height};
    image.stride_bytes[0] = width * 4;
    image.plane[0] = malloc((size_t)width * height * 4);
    assert_non_null(image.plane[0]);
    for (size_t i = 0; i < (size_t)width * height * 4; i++)
        image.plane[0][i] = (uint8_t)rand();
    image.captured_ns = 11;
    image.ready_ns = 12;
    return image;
}

static struct convert *open_of(uint32_t width, uint32_t height, enum convert_matrix matrix)
{
    struct convert_params params = {.width = width, .height = height, .matrix = matrix};
    struct convert *convert;
    assert_int_equal(convert_open(&params, &convert), LM_OK);
    assert_int_equal((uintptr_t)convert->picture.plane[0] % 64, 0);
    assert_int_equal((uintptr_t)convert->picture.plane[1] % 64, 0);
    assert_int_equal(convert->picture.stride_bytes[0] % 64, 0);
    return convert;
}

static void assert_same(const struct image *a, const struct image *b)
{
    for (uint32_t plane = 0; plane < 2; plane++)
        for (uint32_t y = 0; y < a->height >> plane; y++)
            assert_memory_equal(a->plane[plane] + y * a->stride_bytes[plane],
                                b->plane[plane] + y * b->stride_bytes[plane], a->width);
}

/* Whatever part changes, converting the damage alone gives what converting everything gives. */
static void convert_of_damage_equals_convert_of_everything(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    static const uint32_t sizes[][2] = {{64, 48}, {101, 37}, {1, 1}, {2, 3}, {333, 64}};
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        uint32_t width = sizes[s][0], height = sizes[s][1];
        struct image source = source_of(width, height);
        struct convert *kept = open_of(width, height, CONVERT_BT709);
        assert_int_equal(convert_run(kept, &source, (struct image_rect){0, 0, 0, 0}), LM_OK);
        for (int turn = 0; turn < 40; turn++) {
            struct image_rect r = {(uint32_t)rand() % width, (uint32_t)rand() % height, 0, 0};
            r.width = (uint32_t)rand() % (width - r.x + 1);
            r.height = (uint32_t)rand() % (height - r.y + 1);
            for (uint32_t y = r.y; y < r.y + r.height; y++)
                for (uint32_t x = r.x * 4; x < (r.x + r.width) * 4; x++)
                    source.plane[0][y * source.stride_bytes[0] + x] = (uint8_t)rand();
            assert_int_equal(convert_run(kept, &source, r), LM_OK);
            struct convert *fresh = open_of(width, height, CONVERT_BT709);
            assert_int_equal(convert_run(fresh, &source, r), LM_OK);
            assert_same(&kept->picture, &fresh->picture);
            assert_int_equal(fresh->picture.damage.width, fresh->picture.width);
            convert_close(fresh);
        }
        assert_int_equal(kept->picture.captured_ns, 11);
        assert_int_equal(kept->picture.ready_ns, 12);
        convert_close(kept);
        free(source.plane[0]);
    }
}

static void convert_leaves_rows_without_damage_alone(void **state)
{
    struct image source = source_of(64, 32);
    struct convert *convert = open_of(64, 32, CONVERT_BT601);
    assert_int_equal(convert_run(convert, &source, (struct image_rect){0, 0, 64, 32}), LM_OK);
    convert->picture.plane[0][0] ^= 0xFF;
    uint8_t marked = convert->picture.plane[0][0];
    assert_int_equal(convert_run(convert, &source, (struct image_rect){0, 3, 64, 1}), LM_OK);
    assert_int_equal(convert->picture.plane[0][0], marked);
    assert_int_equal(convert->picture.damage.y, 2);
    assert_int_equal(convert->picture.damage.height, 2);
    convert_close(convert);
    free(source.plane[0]);
}

static void convert_surrounds_a_smaller_source_with_black(void **state)
{
    struct image small = source_of(7, 5), large = source_of(100, 80);
    struct convert *convert = open_of(33, 21, CONVERT_BT601);
    struct image *picture = &convert->picture;
    assert_int_equal(picture->width, 34);
    assert_int_equal(picture->height, 22);
    assert_int_equal(convert_run(convert, &large, (struct image_rect){0, 0, 100, 80}), LM_OK);
    assert_int_equal(convert_run(convert, &small, (struct image_rect){0, 0, 1, 1}), LM_OK);
    assert_int_equal(picture->plane[0][8], 16);
    assert_int_equal(picture->plane[0][21 * picture->stride_bytes[0] + 33], 16);
    assert_int_equal(picture->plane[1][10 * picture->stride_bytes[1] + 32], 128);
    assert_int_equal(picture->damage.height, 22);
    convert_close(convert);
    free(small.plane[0]);
    free(large.plane[0]);
}

static void convert_refuses_what_is_out_of_range(void **state)
{
    struct convert *convert;
    struct convert_params params = {.width = 0, .height = 2, .matrix = CONVERT_BT601};
    assert_int_equal(convert_open(&params, &convert), LM_EINVAL);
    params.width = IMAGE_MAX_WIDTH + 1;
    assert_int_equal(convert_open(&params, &convert), LM_EINVAL);
    params.width = 2;
    params.matrix = 0;
    assert_int_equal(convert_open(&params, &convert), LM_EINVAL);
    params.matrix = CONVERT_BT601;
    params.backend = "no such";
    assert_int_equal(convert_open(&params, &convert), LM_EUNSUPPORTED);
    assert_null(convert);
    convert_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convert_of_damage_equals_convert_of_everything),
        cmocka_unit_test(convert_leaves_rows_without_damage_alone),
        cmocka_unit_test(convert_surrounds_a_smaller_source_with_black),
        cmocka_unit_test(convert_refuses_what_is_out_of_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
