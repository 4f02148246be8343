#include "host/encode/rate.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WIDTH = 640, HEIGHT = 360, SHARE = 20000 * 1000 / 60 };

struct fixture {
    struct encode_rate rate;
    struct image image;
    uint32_t seed;
};

static void noise(struct fixture *f, uint32_t amplitude)
{
    for (size_t i = 0; i < (size_t)WIDTH * HEIGHT; i++) {
        f->seed = f->seed * 1664525u + 1013904223u;
        f->image.plane[0][i] = (uint8_t)(128 + (f->seed >> 16) % (amplitude + 1));
    }
    f->image.damage = (struct image_rect){0, 0, WIDTH, HEIGHT};
}

static struct fixture make(void)
{
    struct fixture f = {.image = {.format = IMAGE_NV12, .width = WIDTH, .height = HEIGHT}};
    f.image.plane[0] = calloc(HEIGHT, WIDTH);
    assert_non_null(f.image.plane[0]);
    f.image.stride_bytes[0] = WIDTH;
    struct encode_rate_params params = {WIDTH, HEIGHT, 60000, 20000, 1 << 20};
    assert_int_equal(encode_rate_init(&f.rate, &params), LM_OK);
    return f;
}

static void done(struct fixture *f)
{
    encode_rate_finish(&f->rate);
    free(f->image.plane[0]);
}

/* What an encoder with `bits_at_26` bits of a moving picture at quantiser 26 would give. */
static uint64_t model(double bits_at_26, int32_t qp)
{
    return (uint64_t)(bits_at_26 * exp2((26 - qp) / 6.5));
}

static enum encode_kind kind_of(int frame)
{
    return frame ? ENCODE_KIND_P : ENCODE_KIND_KEY;
}

static void rate_steady_motion_meets_the_bitrate(void **state)
{
    static const double weights[] = {50e3, 300e3, 1.8e6};
    for (size_t w = 0; w < 3; w++) {
        struct fixture f = make();
        double sum = 0;
        for (int i = 0; i < 200; i++) {
            noise(&f, 60);
            int32_t qp = encode_rate_next(&f.rate, &f.image, kind_of(i));
            uint64_t bits = model(weights[w] * (i ? 1 : 3), qp);
            encode_rate_done(&f.rate, bits);
            if (i >= 100)
                sum += (double)bits / 100;
        }
        assert_true(sum < SHARE * 1.03);
        assert_true(sum > SHARE * 0.7);
        done(&f);
    }
}

static void rate_still_picture_is_refined_to_the_finest(void **state)
{
    struct fixture f = make();
    noise(&f, 60);
    int32_t qp = 0, before = ENCODE_RATE_QP_MAX;
    for (int i = 0; i < 60; i++) {
        qp = encode_rate_next(&f.rate, &f.image, kind_of(i));
        uint64_t bits = i == 0        ? model(1e6, qp)
                        : qp < before ? (uint64_t)(before - qp) * 60000
                                      : 300;
        encode_rate_done(&f.rate, bits);
        f.image.damage = (struct image_rect){0, 0, 0, 0};
        before = qp;
    }
    assert_int_equal(qp, ENCODE_RATE_QP_MIN);
    done(&f);
}

static void rate_surprise_is_met_with_a_coarser_quantiser(void **state)
{
    struct fixture f = make();
    noise(&f, 20);
    for (int i = 0; i < 60; i++) {
        int32_t qp = encode_rate_next(&f.rate, &f.image, kind_of(i));
        encode_rate_done(&f.rate, i == 0 ? model(2e6, qp) : 300);
        f.image.damage = (struct image_rect){0, 0, 0, 0};
    }
    noise(&f, 120);
    assert_true(encode_rate_next(&f.rate, &f.image, ENCODE_KIND_P) >= 26);
    done(&f);
}

/* Motion that P frames follow cheaply, and a recovery frame hardly. */
static void rate_recovery_frame_stays_near_its_share(void **state)
{
    static const double motion = 200e3, key = 2e6, recovery = 1.2e6;
    struct fixture f = make();
    int32_t qp = 0, before;
    for (int i = 0; i < 100; i++) {
        noise(&f, 60);
        qp = encode_rate_next(&f.rate, &f.image, kind_of(i));
        encode_rate_done(&f.rate, model(i ? motion : key, qp));
    }
    before = qp;
    noise(&f, 60);
    qp = encode_rate_next(&f.rate, &f.image, ENCODE_KIND_RECOVERY);
    assert_true(model(recovery, qp) < 2 * SHARE);
    encode_rate_done(&f.rate, model(recovery, qp));
    for (int i = 1; i < 12; i++) {
        noise(&f, 60);
        qp = encode_rate_next(&f.rate, &f.image, ENCODE_KIND_P);
        assert_true(model(motion, qp) < 2 * SHARE);
        encode_rate_done(&f.rate, model(motion, qp));
    }
    assert_in_range(qp, before - 1, before + 1);
    done(&f);
}

static void rate_follows_a_new_bitrate(void **state)
{
    struct fixture f = make();
    int32_t qp[2] = {0};
    for (int i = 0; i < 200; i++) {
        noise(&f, 60);
        qp[i / 100] = encode_rate_next(&f.rate, &f.image, kind_of(i));
        encode_rate_done(&f.rate, model(300e3, qp[i / 100]));
        if (i == 99)
            encode_rate_set_bitrate(&f.rate, 5000);
    }
    assert_true(qp[1] >= qp[0] + 8);
    done(&f);
}

static void rate_refuses_what_is_zero(void **state)
{
    struct encode_rate rate;
    struct encode_rate_params params = {WIDTH, HEIGHT, 0, 20000, 1 << 20};
    assert_int_equal(encode_rate_init(&rate, &params), LM_EINVAL);
    encode_rate_finish(&rate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rate_steady_motion_meets_the_bitrate),
        cmocka_unit_test(rate_still_picture_is_refined_to_the_finest),
        cmocka_unit_test(rate_surprise_is_met_with_a_coarser_quantiser),
        cmocka_unit_test(rate_recovery_frame_stays_near_its_share),
        cmocka_unit_test(rate_follows_a_new_bitrate),
        cmocka_unit_test(rate_refuses_what_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
