#include "client/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct flags plain = {.width = 1280,
                                   .height = 720,
                                   .rate_mhz = 60000,
                                   .bitrate_kbps = 20000,
                                   .packet_size = 1392,
                                   .slices = 4,
                                   .channels = 2,
                                   .sound_ms = 5,
                                   .encrypt = FLAGS_ENCRYPT_ALL,
                                   .codec = FLAGS_H264};

enum { CONTROL = SDP_ENCRYPT_CONTROL, VIDEO = SDP_ENCRYPT_VIDEO, AUDIO = SDP_ENCRYPT_AUDIO };

static void encryption_is_what_both_want_or_the_host_demands(void **state)
{
    static const struct {
        enum flags_encrypt wish;
        uint32_t supported, requested, result, packet_size;
    } cases[] = {
        {FLAGS_ENCRYPT_ALL, 7, 1, 7, 1360},
        {FLAGS_ENCRYPT_ALL, 5, 1, 5, 1392},
        {FLAGS_ENCRYPT_ALL, 0, 0, 0, 1392},
        {FLAGS_ENCRYPT_AUDIO, 7, 1, CONTROL | AUDIO, 1392},
        {FLAGS_ENCRYPT_NONE, 7, 1, CONTROL, 1392},
        {FLAGS_ENCRYPT_NONE, 7, 7, 7, 1360},
        {FLAGS_ENCRYPT_NONE, 1, 7, CONTROL, 1392},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct flags flags = plain;
        flags.encrypt = cases[i].wish;
        struct sdp_description d = {.encryption_supported = cases[i].supported,
                                    .encryption_requested = cases[i].requested};
        struct stream_params params;
        negotiate_choose(&flags, &d, &params);
        assert_int_equal(params.encryption, cases[i].result);
        assert_int_equal(params.packet_size_bytes, cases[i].packet_size);
    }
}

static void packet_size_is_a_multiple_of_sixteen(void **state)
{
    struct flags flags = plain;
    struct sdp_description d = {.encryption_supported = 7};
    struct stream_params params;
    flags.packet_size = 1037;
    negotiate_choose(&flags, &d, &params);
    assert_int_equal(params.packet_size_bytes, 1024 - 32);
}

static void fractional_rates_travel_as_refresh(void **state)
{
    struct flags flags = plain;
    struct sdp_description d = {0};
    struct stream_params params;
    negotiate_choose(&flags, &d, &params);
    assert_int_equal(params.refresh_x100, 0);
    flags.rate_mhz = 59940;
    negotiate_choose(&flags, &d, &params);
    assert_int_equal(params.rate_mhz, 59940);
    assert_int_equal(params.refresh_x100, 5994);
}

static void several_references_only_when_they_can_be_invalidated(void **state)
{
    struct flags flags = plain;
    struct sdp_description d = {.invalidate_refs = true};
    struct stream_params params;
    negotiate_choose(&flags, &d, &params);
    assert_false(params.single_reference);
    flags.no_invalidation = true;
    negotiate_choose(&flags, &d, &params);
    assert_true(params.single_reference);
    d.invalidate_refs = false;
    flags.no_invalidation = false;
    negotiate_choose(&flags, &d, &params);
    assert_true(params.single_reference);
}

static void surround_falls_back_to_what_is_offered(void **state)
{
    struct flags flags = plain;
    struct sdp_description d = {0};
    struct stream_params params;
    flags.channels = 6;
    negotiate_choose(&flags, &d, &params);
    assert_int_equal(params.audio_channels, 2);
    d.normal[0].channels = 6;
    negotiate_choose(&flags, &d, &params);
    assert_int_equal(params.audio_channels, 6);
    assert_int_equal(params.channel_mask, 0x3F);
    assert_false(params.high_quality_audio);
    d.high[0].channels = 6;
    negotiate_choose(&flags, &d, &params);
    assert_true(params.high_quality_audio);
    flags.bitrate_kbps = 10000;
    negotiate_choose(&flags, &d, &params);
    assert_false(params.high_quality_audio);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encryption_is_what_both_want_or_the_host_demands),
        cmocka_unit_test(packet_size_is_a_multiple_of_sixteen),
        cmocka_unit_test(fractional_rates_travel_as_refresh),
        cmocka_unit_test(several_references_only_when_they_can_be_invalidated),
        cmocka_unit_test(surround_falls_back_to_what_is_offered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
