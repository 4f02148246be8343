#include "client/decode/decode.h"

#include "client/test_frames.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

enum { SIZE = TEST_FRAME_SIZE, BUFFER_BYTES = 4096 };

static uint8_t buffer[BUFFER_BYTES];

static int push(struct decode *d, const uint8_t *data, size_t size, struct decode_picture *out)
{
    memset(buffer, 0, sizeof buffer);
    memcpy(buffer, data, size);
    return decode_push(d, buffer, size, out);
}

static struct decode *open_decoder(const char *name)
{
    struct decode_params params = {
        .codec = DECODE_H264, .width = SIZE, .height = SIZE, .threads = 2};
    struct decode *d = NULL;
    assert_int_equal(decode_open(name, &params, &d), 0);
    return d;
}

static void assert_square(const struct decode_picture *p, int left, int background)
{
    assert_int_equal(p->width, SIZE);
    assert_int_equal(p->height, SIZE);
    for (int x = 8; x < SIZE; x += 16) {
        int luma = p->plane[0][8 * p->stride_bytes[0] + (uint32_t)x];
        assert_in_range(luma, x / 16 * 16 == left ? 225 : background - 6,
                        x / 16 * 16 == left ? 245 : background + 6);
    }
}

static void each_frame_gives_its_picture_at_once(void **state)
{
    struct decode *d = open_decoder(NULL);
    struct decode_picture p;
    assert_int_equal(push(d, frame0, sizeof frame0, &p), 1);
    assert_square(&p, 0, 40);
    assert_true(p.key);
    assert_true(p.bt709);
    assert_false(p.full_range);
    decode_give(d, p.slot);
    assert_int_equal(push(d, frame1, sizeof frame1, &p), 1);
    assert_square(&p, 16, 100);
    assert_false(p.key);
    decode_give(d, p.slot);
    /* Zero bytes behind a slice are what padding to whole packets leaves. */
    uint8_t padded[sizeof frame2 + 500] = {0};
    memcpy(padded, frame2, sizeof frame2);
    assert_int_equal(push(d, padded, sizeof padded, &p), 1);
    assert_square(&p, 32, 160);
    decode_close(d);
}

static void pictures_stay_until_given_back(void **state)
{
    struct decode *d = open_decoder(NULL);
    struct decode_picture p[DECODE_SLOTS], extra;
    for (int i = 0; i < DECODE_SLOTS; i++)
        assert_int_equal(push(d, frame0, sizeof frame0, &p[i]), 1);
    assert_int_equal(push(d, frame0, sizeof frame0, &extra), LM_EFULL);
    decode_give(d, p[2].slot);
    assert_int_equal(push(d, frame0, sizeof frame0, &extra), 1);
    assert_int_equal(extra.slot, p[2].slot);
    assert_square(&p[0], 0, 40);
    decode_close(d);
}

static void damage_is_reported_and_a_key_frame_heals(void **state)
{
    struct decode *d = open_decoder(NULL);
    struct decode_picture p;
    assert_true(push(d, frame1, sizeof frame1, &p) <= 0); /* refers to what never came */
    assert_true(push(d, frame0, 3, &p) <= 0);
    assert_int_equal(push(d, frame0, 0, &p), LM_EPROTO);
    assert_int_equal(push(d, frame0, sizeof frame0, &p), 1);
    assert_square(&p, 0, 40);
    decode_close(d);
}

static void fake_decoder_shows_its_first_byte(void **state)
{
    static const uint8_t grey[] = {77}, damaged[] = {0};
    struct decode *d = open_decoder("fake");
    struct decode_picture p;
    assert_int_equal(push(d, grey, 1, &p), 1);
    assert_int_equal(p.plane[0][SIZE * SIZE - 1], 77);
    assert_int_equal(push(d, damaged, 1, &p), LM_EPROTO);
    assert_int_equal(push(d, grey, 0, &p), 0);
    decode_close(d);
}

static void unknown_decoders_are_refused(void **state)
{
    struct decode_params params = {.codec = DECODE_H264, .width = SIZE, .height = SIZE};
    struct decode *d;
    assert_int_equal(decode_open("nonsense", &params, &d), LM_EUNSUPPORTED);
    assert_null(d);
    decode_close(NULL);
}

int main(void)
{
    const struct CMUnitTest real[] = {
        cmocka_unit_test(each_frame_gives_its_picture_at_once),
        cmocka_unit_test(pictures_stay_until_given_back),
        cmocka_unit_test(damage_is_reported_and_a_key_frame_heals),
    };
    const struct CMUnitTest always[] = {
        cmocka_unit_test(fake_decoder_shows_its_first_byte),
        cmocka_unit_test(unknown_decoders_are_refused),
    };
    int failed = cmocka_run_group_tests(always, NULL, NULL);
    if (decode_knows(DECODE_H264))
        failed += cmocka_run_group_tests(real, NULL, NULL);
    else
        print_message("built without an H.264 decoder: its tests are skipped\n");
    return failed;
}
