#include "media/opus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

enum { MAX_CHANNELS = SDP_MAX_CHANNELS, PACKETS = 100 };

/* The layouts and rates a GameStream host uses. */
static const struct opus_enc_params shapes[] = {
    {{2, 1, 1, {0, 1}}, 96000, 240},
    {{2, 1, 1, {0, 1}}, 96000, 480},
    {{2, 1, 1, {0, 1}}, 512000, 240},
    {{2, 1, 1, {0, 1}}, 512000, 480},
    {{6, 4, 2, {0, 1, 4, 5, 2, 3}}, 256000, 240},
    {{6, 4, 2, {0, 1, 4, 5, 2, 3}}, 256000, 480},
    {{6, 6, 0, {0, 1, 2, 3, 4, 5}}, 1536000, 240},
    {{8, 5, 3, {0, 1, 6, 7, 2, 3, 4, 5}}, 450000, 240},
    {{8, 5, 3, {0, 1, 6, 7, 2, 3, 4, 5}}, 450000, 480},
    {{8, 8, 0, {0, 1, 2, 3, 4, 5, 6, 7}}, 2048000, 240},
};

static float in[OPUS_FRAME_MAX_SAMPLES * MAX_CHANNELS], out[OPUS_FRAME_MAX_SAMPLES * MAX_CHANNELS];

static void fill_tone(uint32_t channels, uint32_t channel, uint32_t first, uint32_t count)
{
    memset(in, 0, sizeof in);
    for (uint32_t i = 0; i < count; i++)
        in[i * channels + channel] =
            0.5f * (float)sin(2 * M_PI * 440 * (first + i) / (double)OPUS_RATE_HZ);
}

/* Power of `channel` at 440 Hz and in all, over what was decoded so far. */
struct power {
    double sine, cosine, total;
    uint32_t count;
};

static void add_power(struct power *p, uint32_t channels, uint32_t channel, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        double x = out[i * channels + channel], at = 2 * M_PI * 440 * p->count++ / OPUS_RATE_HZ;
        p->sine += x * sin(at);
        p->cosine += x * cos(at);
        p->total += x * x;
    }
}

static double tone_share(const struct power *p)
{
    return 2 * (p->sine * p->sine + p->cosine * p->cosine) / (p->count * p->total);
}

static void check_tone(size_t shape, uint32_t channel)
{
    const struct opus_enc_params *params = &shapes[shape];
    uint32_t channels = params->layout.channels, n = params->frame_samples;
    struct opus_enc *enc = NULL;
    struct opus_dec *dec = NULL;
    assert_int_equal(opus_enc_create(params, &enc), 0);
    assert_int_equal(opus_dec_create(&params->layout, n, &dec), 0);

    struct power power[MAX_CHANNELS] = {0};
    uint8_t packet[OPUS_PACKET_MAX_BYTES];
    int expected = (int)((uint64_t)params->bitrate_bps * n / OPUS_RATE_HZ / 8);
    for (uint32_t i = 0; i < PACKETS; i++) {
        fill_tone(channels, channel, i * n, n);
        int size = opus_enc_push(enc, in, packet, sizeof packet);
        assert_int_equal(size, expected);
        assert_int_equal(opus_dec_push(dec, packet, (uint32_t)size, out), n);
        for (uint32_t c = 0; c < channels && i >= 20; c++)
            add_power(&power[c], channels, c, n);
    }
    assert_true(tone_share(&power[channel]) > 0.98);
    for (uint32_t c = 0; c < channels; c++)
        if (c != channel)
            assert_true(power[c].total < power[channel].total / 50);
    opus_enc_destroy(enc);
    opus_dec_destroy(dec);
}

static void tone_survives_on_its_own_channel(void **state)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++)
        for (uint32_t c = 0; c < shapes[i].layout.channels; c++)
            check_tone(i, c);
}

static void lost_packets_are_concealed(void **state)
{
    struct opus_dec *dec = NULL;
    assert_int_equal(opus_dec_create(&shapes[0].layout, 240, &dec), 0);
    assert_int_equal(opus_dec_push(dec, NULL, 0, out), 240);
    opus_dec_destroy(dec);
}

static void bad_packets_are_refused(void **state)
{
    static const uint8_t junk[] = {0xFF, 0xFF, 0xFF, 0xFF};
    struct opus_enc *enc = NULL;
    struct opus_dec *dec = NULL;
    uint8_t packet[OPUS_PACKET_MAX_BYTES];
    assert_int_equal(opus_enc_create(&shapes[1], &enc), 0);
    assert_int_equal(opus_dec_create(&shapes[1].layout, 240, &dec), 0);
    memset(in, 0, sizeof in);
    int size = opus_enc_push(enc, in, packet, sizeof packet);
    assert_int_equal(size, 120);
    assert_int_equal(opus_dec_push(dec, packet, 120, out), LM_EPROTO); /* 10 ms, not 5 */
    assert_int_equal(opus_dec_push(dec, junk, sizeof junk, out), LM_EPROTO);
    assert_int_equal(opus_dec_push(dec, junk, 0, out), LM_EPROTO);
    opus_enc_destroy(enc);
    opus_dec_destroy(dec);
}

static void parameters_out_of_range_are_refused(void **state)
{
    static const struct opus_enc_params bad[] = {
        {{2, 1, 1, {0, 1}}, 96000, 960},
        {{2, 1, 1, {0, 2}}, 96000, 240},
        {{0, 1, 1, {0}}, 96000, 240},
        {{9, 1, 1, {0}}, 96000, 240},
        {{2, 1, 2, {0, 1}}, 96000, 240},
        {{2, 1, 1, {0, 1}}, 1000, 240},
        {{8, 8, 0, {0, 1, 2, 3, 4, 5, 6, 7}}, 2048000, 480},
    };
    struct opus_enc *enc = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(opus_enc_create(&bad[i], &enc), LM_EINVAL);
    opus_enc_destroy(NULL);
    opus_dec_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tone_survives_on_its_own_channel),
        cmocka_unit_test(lost_packets_are_concealed),
        cmocka_unit_test(bad_packets_are_refused),
        cmocka_unit_test(parameters_out_of_range_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
