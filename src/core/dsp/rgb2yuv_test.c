#include "core/dsp/rgb2yuv.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { MAX_WIDTH = 135 };

static const struct {
    double kr, kb;
} weights[] = {{0.299, 0.114}, {0.2126, 0.0722}, {0.2627, 0.0593}};

/* Memory that ends at a page without access. */
struct guarded {
    uint8_t *map;
    size_t map_bytes;
};

static uint8_t *guarded_end(struct guarded *g)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    g->map_bytes = 2 * page;
    g->map = mmap(NULL, g->map_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(g->map != MAP_FAILED);
    assert_int_equal(mprotect(g->map + page, page, PROT_NONE), 0);
    return g->map + page;
}

/* Random bytes, a third of them the extremes. */
static void fill(uint8_t *at, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        at[i] = (uint8_t)(rand() % 3 ? rand() : rand() % 2 * 255);
}

static double reference(int plane, const double bgr[3], double kr, double kb, bool full)
{
    double y = kr * bgr[2] + (1 - kr - kb) * bgr[1] + kb * bgr[0];
    double c_scale = full ? 1 : 224.0 / 255;
    double value;
    if (plane == 0)
        value = full ? y : 16 + y * 219 / 255;
    else if (plane == 1)
        value = 128 + c_scale * (bgr[0] - y) / (2 * (1 - kb));
    else
        value = 128 + c_scale * (bgr[2] - y) / (2 * (1 - kr));
    return value < 0 ? 0 : value > 255 ? 255 : value;
}

static void check_block(const uint8_t *const src[2], uint32_t x, uint32_t width,
                        const struct lm_rgb2yuv_rows *out, double kr, double kb, bool full)
{
    double mean[3] = {0};
    for (uint32_t row = 0; row < 2; row++)
        for (uint32_t i = 0; i < 2; i++) {
            const uint8_t *p = src[row] + (x + i < width ? x + i : width - 1) * 4;
            double bgr[3] = {p[0], p[1], p[2]};
            uint8_t got = (row ? out->y_bottom : out->y_top)[x + i];
            assert_true(fabs(got - reference(0, bgr, kr, kb, full)) <= 0.6);
            for (int c = 0; c < 3; c++)
                mean[c] += bgr[c] / 4;
        }
    assert_true(fabs(out->uv[x] - reference(1, mean, kr, kb, full)) <= 0.6);
    assert_true(fabs(out->uv[x + 1] - reference(2, mean, kr, kb, full)) <= 0.6);
}

static void kernel_agrees_with_floating_point_at_any_width(void **state)
{
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    uint8_t src[2][MAX_WIDTH * 4], y[2][MAX_WIDTH + 1], uv[MAX_WIDTH + 1];
    for (int turn = 0; turn < 6; turn++)
        for (uint32_t width = 1; width <= MAX_WIDTH; width++) {
            double kr = weights[turn % 3].kr, kb = weights[turn % 3].kb;
            struct lm_rgb2yuv matrix;
            lm_rgb2yuv_init(&matrix, kr, kb, turn >= 3);
            fill(src[0], sizeof src[0]);
            fill(src[1], sizeof src[1]);
            struct lm_rgb2yuv_rows rows = {src[0], src[1], y[0], y[1], uv, width};
            lm_rgb2yuv_c(&matrix, &rows);
            const uint8_t *const both[2] = {src[0], src[1]};
            for (uint32_t x = 0; x < width; x += 2)
                check_block(both, x, width, &rows, kr, kb, turn >= 3);
        }
}

static void kernel_keeps_greys_grey(void **state)
{
    for (int turn = 0; turn < 6; turn++) {
        struct lm_rgb2yuv matrix;
        lm_rgb2yuv_init(&matrix, weights[turn % 3].kr, weights[turn % 3].kb, turn >= 3);
        for (int v = 0; v < 256; v++) {
            uint8_t src[8], y[2], uv[2];
            memset(src, v, sizeof src);
            struct lm_rgb2yuv_rows rows = {src, src, y, y, uv, 2};
            lm_rgb2yuv_c(&matrix, &rows);
            assert_int_equal(uv[0], 128);
            assert_int_equal(uv[1], 128);
            if (turn >= 3)
                assert_int_equal(y[0], v);
        }
        assert_true(matrix.y[1] > 0);
    }
}

/* Sources and destinations end at pages without access: one byte too far is a crash. */
static void kernel_best_equals_c_and_stays_inside(void **state)
{
    lm_rgb2yuv_fn *best = lm_rgb2yuv_best();
    if (best == lm_rgb2yuv_c)
        skip();
    struct guarded g[5];
    uint8_t *end[5];
    for (int i = 0; i < 5; i++)
        end[i] = guarded_end(&g[i]);
    for (uint32_t width = 1; width <= MAX_WIDTH; width++) {
        uint32_t even = (width + 1) & ~1u;
        struct lm_rgb2yuv matrix;
        lm_rgb2yuv_init(&matrix, weights[width % 3].kr, weights[width % 3].kb, width / 3 % 2);
        uint8_t y[2][MAX_WIDTH + 1], uv[MAX_WIDTH + 1];
        for (int i = 0; i < 2; i++)
            fill(end[i] - width * 4, width * 4);
        struct lm_rgb2yuv_rows want = {
            end[0] - width * 4, end[1] - width * 4, y[0], y[1], uv, width};
        struct lm_rgb2yuv_rows got = {want.top,      want.bottom,   end[2] - even,
                                      end[3] - even, end[4] - even, width};
        uint8_t *before = got.y_top - 1;
        *before = 0xA5;
        lm_rgb2yuv_c(&matrix, &want);
        best(&matrix, &got);
        assert_memory_equal(got.y_top, want.y_top, even);
        assert_memory_equal(got.y_bottom, want.y_bottom, even);
        assert_memory_equal(got.uv, want.uv, even);
        assert_int_equal(*before, 0xA5);
    }
    for (int i = 0; i < 5; i++)
        munmap(g[i].map, g[i].map_bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernel_agrees_with_floating_point_at_any_width),
        cmocka_unit_test(kernel_keeps_greys_grey),
        cmocka_unit_test(kernel_best_equals_c_and_stays_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
