#include "session/sdp.h"

#include "core/wire/gs_test.h"

/* What a current client sends for 4K120 HEVC Main10, 7.1, all encryption, at 20 Mbit/s. */
static const char transcript[] =
    "v=0\r\no=android 0 14 IN IPv4 192.168.1.10\r\ns=NVIDIA Streaming Client\r\n"
    "a=x-ml-general.featureFlags:3 \r\na=x-ss-general.encryptionEnabled:7 \r\n"
    "a=x-ss-video[0].chromaSamplingType:0 \r\na=x-nv-video[0].clientViewportWd:3840 \r\n"
    "a=x-nv-video[0].clientViewportHt:2160 \r\na=x-nv-video[0].maxFPS:120 \r\n"
    "a=x-nv-video[0].packetSize:1360 \r\na=x-nv-video[0].rateControlMode:4 \r\n"
    "a=x-nv-video[0].timeoutLengthMs:7000 \r\n"
    "a=x-nv-video[0].framesWithInvalidRefThreshold:0 \r\n"
    "a=x-nv-video[0].initialBitrateKbps:16000 \r\n"
    "a=x-nv-video[0].initialPeakBitrateKbps:16000 \r\n"
    "a=x-nv-vqos[0].bw.minimumBitrateKbps:16000 \r\n"
    "a=x-nv-vqos[0].bw.maximumBitrateKbps:16000 \r\n"
    "a=x-ml-video.configuredBitrateKbps:20000 \r\na=x-nv-vqos[0].fec.enable:1 \r\n"
    "a=x-nv-vqos[0].videoQualityScoreUpdateTime:5000 \r\na=x-nv-vqos[0].qosTrafficType:5 \r\n"
    "a=x-nv-aqos.qosTrafficType:4 \r\na=x-nv-general.featureFlags:167 \r\n"
    "a=x-nv-general.useReliableUdp:13 \r\na=x-nv-vqos[0].fec.minRequiredFecPackets:2 \r\n"
    "a=x-nv-vqos[0].bllFec.enable:0 \r\na=x-nv-vqos[0].drc.enable:0 \r\n"
    "a=x-nv-general.enableRecoveryMode:0 \r\n"
    "a=x-nv-video[0].videoEncoderSlicesPerFrame:1 \r\na=x-nv-clientSupportHevc:1 \r\n"
    "a=x-nv-vqos[0].bitStreamFormat:1 \r\na=x-nv-video[0].dynamicRangeMode:1 \r\n"
    "a=x-nv-video[0].maxNumReferenceFrames:1 \r\na=x-nv-video[0].clientRefreshRateX100:0 \r\n"
    "a=x-nv-audio.surround.numChannels:8 \r\na=x-nv-audio.surround.channelMask:1599 \r\n"
    "a=x-nv-audio.surround.enable:1 \r\na=x-nv-audio.surround.AudioQuality:1 \r\n"
    "a=x-nv-aqos.packetDuration:5 \r\na=x-nv-video[0].encoderCscMode:3 \r\n"
    "t=0 0\r\nm=video 47998  \r\n";

static const struct stream_params transcript_params = {
    .width_px = 3840,
    .height_px = 2160,
    .rate_mhz = 120000,
    .packet_size_bytes = 1360,
    .configured_kbps = 20000,
    .maximum_kbps = 16000,
    .codec = SDP_HEVC,
    .ten_bit = true,
    .single_reference = true,
    .slices = 1,
    .color_space = 1,
    .full_range = true,
    .min_parity_packets = 2,
    .client_features = 3,
    .encryption = 7,
    .control_type = 13,
    .mark_video = true,
    .mark_audio = true,
    .audio_channels = 8,
    .channel_mask = 0x63f,
    .high_quality_audio = true,
    .packet_ms = 5,
};

static int parse(const char *body, struct stream_params *out)
{
    const char *why;
    memset(out, 0, sizeof *out);
    return sdp_announce_parse(body, strlen(body), out, &why);
}

static void the_transcript_parses_and_is_reproduced(void **state) /* gs-session 83 */
{
    struct stream_params got;
    char body[SDP_MAX_BYTES];
    assert_int_equal(parse(transcript, &got), LM_OK);
    assert_memory_equal(&got, &transcript_params, sizeof got);
    int size_bytes =
        sdp_announce_write(&transcript_params, "192.168.1.10", 47998, body, sizeof body);
    assert_int_equal(size_bytes, 1501);
    assert_string_equal(body, transcript);
}

static void every_stream_reads_back(void **state)
{
    for (int i = 0; i < 3; i++) {
        struct stream_params in, got;
        char body[SDP_MAX_BYTES];
        memcpy(&in, &transcript_params, sizeof in); /* padding, too */
        in.codec = (enum sdp_codec)(SDP_H264 + i);
        in.ten_bit = false;
        in.chroma444 = i == 0;
        in.encryption = 1;
        in.mark_video = i == 1;
        in.maximum_kbps = i == 1 ? 16000 : 15500;
        in.audio_channels = 2;
        in.channel_mask = 3;
        in.high_quality_audio = false;
        in.intra_refresh = i == 2;
        in.refresh_x100 = 11988;
        assert_true(sdp_announce_write(&in, "fe80::1", 5, body, sizeof body) > 0);
        assert_non_null(strstr(body, "IN IPv6 [fe80::1]\r\n"));
        assert_int_equal(strstr(body, "clientSupportHevc") == NULL, in.codec == SDP_AV1);
        assert_int_equal(parse(body, &got), LM_OK);
        assert_memory_equal(&got, &in, sizeof got);
    }
}

#define NEEDED                                                                                     \
    "a=x-nv-video[0].clientViewportWd:1280\r\na=x-nv-video[0].clientViewportHt:720\r\n"            \
    "a=x-nv-video[0].maxFPS:60\r\na=x-nv-video[0].packetSize:1024\r\n"
#define OLD NEEDED "a=x-nv-vqos[0].bw.maximumBitrateKbps:9000\r\n"

static void the_oldest_subset_gets_defaults(void **state) /* gs-session 82 */
{
    static const struct stream_params want = {
        .width_px = 1280,
        .height_px = 720,
        .rate_mhz = 60000,
        .packet_size_bytes = 1024,
        .maximum_kbps = 9000,
        .codec = SDP_H264,
        .single_reference = true,
        .slices = 1,
        .control_type = 1,
        .mark_video = true,
        .mark_audio = true,
        .audio_channels = 2,
        .channel_mask = 3,
        .packet_ms = 5,
    };
    struct stream_params got;
    assert_int_equal(parse(OLD, &got), LM_OK);
    assert_memory_equal(&got, &want, sizeof got);
    assert_int_equal(stream_video_kbps(&got, 20), 9000);
}

static void missing_essentials_are_refused(void **state) /* gs-session 82 */
{
    static const char *const needed[] = {"clientViewportWd", "clientViewportHt", "maxFPS",
                                         "packetSize", "maximumBitrateKbps"};
    for (size_t i = 0; i < LM_ARRAY_LEN(needed); i++) {
        char body[] = OLD;
        struct stream_params got;
        strstr(body, needed[i])[0] = 'X';
        assert_int_equal(parse(body, &got), LM_EPROTO);
    }
    struct stream_params got;
    assert_int_equal(parse("", &got), LM_EPROTO);
    assert_int_equal(parse(NEEDED "a=x-ml-video.configuredBitrateKbps:0\r\n", &got), LM_EPROTO);
    assert_int_equal(parse(NEEDED "a=x-ml-video.configuredBitrateKbps:500\r\n", &got), LM_OK);
}

static void each_attribute_has_its_range(void **state)
{
    static const struct {
        const char *line;
        int result;
    } cases[] = {
        {"x-nv-video[0].clientViewportWd:64", LM_OK},
        {"x-nv-video[0].clientViewportWd:63", LM_EPROTO},
        {"x-nv-video[0].clientViewportWd:16385", LM_EPROTO},
        {"x-nv-video[0].clientViewportHt:20000", LM_EPROTO},
        {"x-nv-video[0].maxFPS:0", LM_EPROTO},
        {"x-nv-video[0].maxFPS:1000001", LM_EPROTO},
        {"x-nv-video[0].packetSize:255", LM_EPROTO},
        {"x-nv-video[0].packetSize:65001", LM_EPROTO},
        {"x-nv-video[0].packetSize:-1", LM_EPROTO},
        {"x-nv-video[0].packetSize:1024x", LM_EPROTO},
        {"x-nv-video[0].packetSize:", LM_EPROTO},
        {"x-nv-video[0].packetSize:99999999999999999999", LM_EPROTO},
        {"x-nv-video[0].packetSize:1024 \t", LM_OK},
        {"x-nv-vqos[0].bw.maximumBitrateKbps:1", LM_OK},
        {"x-nv-vqos[0].bw.maximumBitrateKbps:99999999", LM_OK},
        {"x-nv-video[0].videoEncoderSlicesPerFrame:0", LM_OK},
        {"x-nv-video[0].videoEncoderSlicesPerFrame:999", LM_OK},
        {"x-nv-vqos[0].bitStreamFormat:3", LM_EPROTO},
        {"x-nv-video[0].dynamicRangeMode:2", LM_EPROTO},
        {"x-nv-audio.surround.numChannels:4", LM_EPROTO},
        {"x-nv-audio.surround.numChannels:0", LM_EPROTO},
        {"x-nv-aqos.packetDuration:7", LM_EPROTO},
        {"x-nv-aqos.packetDuration:10", LM_OK},
        {"x-nv-video[0].encoderCscMode:6", LM_EPROTO},
        {"x-unknown.attribute:hello", LM_OK},
        {"no colon at all", LM_OK},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char body[1024];
        struct stream_params got;
        /* of repeated attributes the first counts, so the case goes first */
        snprintf(body, sizeof body, "a=%s\r\n" OLD, cases[i].line);
        if (parse(body, &got) != cases[i].result)
            fail_msg("%s", cases[i].line);
    }
}

static void rates_are_clamped_and_frame_rates_normalised(void **state)
{
    static const struct {
        const char *lines;
        uint32_t rate_mhz, refresh_x100, kbps, slices;
    } cases[] = {
        {"a=x-nv-video[0].maxFPS:59940\n", 59940, 0, 9000, 1},
        {"a=x-nv-video[0].maxFPS:1000\n", 1000000, 0, 9000, 1},
        {"a=x-nv-video[0].maxFPS:1001\n", 1001, 0, 9000, 1},
        {"a=x-nv-video[0].clientRefreshRateX100:5994\n", 60000, 5994, 9000, 1},
        {"a=x-nv-video[0].clientRefreshRateX100:12000\n", 60000, 0, 9000, 1},
        {"a=x-nv-vqos[0].bw.maximumBitrateKbps:1\n", 60000, 0, 100, 1},
        {"a=x-nv-vqos[0].bw.maximumBitrateKbps:9999999\n", 60000, 0, 2000000, 1},
        {"a=x-nv-video[0].videoEncoderSlicesPerFrame:999\n", 60000, 0, 9000, 255},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char body[1024];
        struct stream_params got;
        snprintf(body, sizeof body, "%s" OLD, cases[i].lines);
        assert_int_equal(parse(body, &got), LM_OK);
        assert_int_equal(got.rate_mhz, cases[i].rate_mhz);
        assert_int_equal(got.refresh_x100, cases[i].refresh_x100);
        assert_int_equal(got.maximum_kbps, cases[i].kbps);
        assert_int_equal(got.slices, cases[i].slices);
    }
}

static void feature_flag_switches_audio_encryption_on(void **state) /* gs-session 84 gs-media 54 */
{
    struct stream_params got;
    assert_int_equal(parse(OLD "a=x-nv-general.featureFlags:167 \r\n"
                               "a=x-ss-general.encryptionEnabled:1 \r\n",
                           &got),
                     LM_OK);
    assert_int_equal(got.encryption, SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_AUDIO);
    assert_int_equal(parse(OLD "a=x-nv-general.featureFlags:135 \r\n", &got), LM_OK);
    assert_int_equal(got.encryption, 0);
}

static void nul_and_overlong_bodies_are_refused(void **state)
{
    static char body[SDP_MAX_BYTES + 2];
    struct stream_params got;
    const char *why;
    memset(body, '\n', sizeof body);
    memcpy(body, OLD, strlen(OLD));
    assert_int_equal(sdp_announce_parse(body, SDP_MAX_BYTES, &got, &why), LM_OK);
    assert_int_equal(sdp_announce_parse(body, SDP_MAX_BYTES + 1, &got, &why), LM_EPROTO);
    body[strlen(OLD)] = '\0';
    assert_int_equal(sdp_announce_parse(body, SDP_MAX_BYTES, &got, &why), LM_EPROTO);
}

/* ---- DESCRIBE ---- */

static void describe_has_markers_iff_supported(void **state) /* gs-session 75 gs-media 35 80 */
{
    for (unsigned bits = 0; bits < 8; bits++) {
        struct sdp_offer offer = {.feature_flags = SDP_HOST_PEN_TOUCH | SDP_HOST_PAD_TOUCH,
                                  .encryption_supported = 7,
                                  .encryption_requested = 1,
                                  .hevc = bits & 1,
                                  .av1 = bits & 2,
                                  .invalidate_refs = bits & 4};
        char body[2048];
        struct sdp_description got;
        int size_bytes = sdp_describe_write(&offer, body, sizeof body);
        assert_true(size_bytes > 0);
        assert_int_equal(strstr(body, "sprop-parameter-sets=AAAAAU") != NULL, offer.hevc);
        assert_int_equal(strstr(body, "AV1") != NULL, offer.av1);
        assert_int_equal(strstr(body, "refPicInvalidation") != NULL, offer.invalidate_refs);
        assert_int_equal(sdp_describe_parse(body, (size_t)size_bytes, &got), LM_OK);
        assert_int_equal(got.hevc, offer.hevc);
        assert_int_equal(got.av1, offer.av1);
        assert_int_equal(got.invalidate_refs, offer.invalidate_refs);
        assert_int_equal(got.feature_flags, 3);
        assert_int_equal(got.encryption_supported, 7);
    }
}

static void requested_encryption_is_a_subset(void **state) /* gs-session 76 */
{
    for (uint32_t supported = 0; supported < 8; supported++) {
        for (uint32_t requested = 0; requested < 8; requested++) {
            struct sdp_offer offer = {.encryption_supported = supported,
                                      .encryption_requested = requested};
            char body[2048];
            struct sdp_description got;
            int size_bytes = sdp_describe_write(&offer, body, sizeof body);
            assert_int_equal(sdp_describe_parse(body, (size_t)size_bytes, &got), LM_OK);
            assert_int_equal(got.encryption_supported, supported);
            assert_int_equal(got.encryption_requested, requested & supported);
        }
    }
}

static void surround_lines_are_the_recommended_ones(void **state) /* gs-session 77 gs-media 56 */
{
    static const struct {
        unsigned channels;
        bool high;
        const char *wire;
        uint8_t mapping[8];
    } cases[] = {
        {2, false, "21101", {0, 1}},
        {6, false, "642014235", {0, 1, 4, 5, 2, 3}},
        {6, true, "660012345", {0, 1, 2, 3, 4, 5}},
        {8, false, "85301623457", {0, 1, 6, 7, 2, 3, 4, 5}},
        {8, true, "88001234567", {0, 1, 2, 3, 4, 5, 6, 7}},
    };
    char body[2048];
    assert_true(sdp_describe_write(&(struct sdp_offer){0}, body, sizeof body) > 0);
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct sdp_layout layout, read;
        char wire[12], line[64];
        assert_int_equal(sdp_layout_of(cases[i].channels, cases[i].high, &layout), LM_OK);
        assert_memory_equal(layout.mapping, cases[i].mapping, cases[i].channels);
        sdp_layout_to_wire(&layout, cases[i].high, wire);
        assert_string_equal(wire, cases[i].wire);
        assert_int_equal(sdp_layout_from_wire(wire, cases[i].high, &read), LM_OK);
        assert_memory_equal(&read, &layout, sizeof read);
        snprintf(line, sizeof line, "a=fmtp:97 surround-params=%s\r\n", wire);
        assert_non_null(strstr(body, line));
    }
    const char *normal = strstr(body, "=642014235"), *high = strstr(body, "=660012345");
    assert_true(normal < high);
}

static void client_mappings_match_the_known_conversions(void **state) /* gs-session 77 */
{
    static const struct {
        const char *wire;
        uint8_t mapping[8];
        size_t channels;
    } cases[] = {
        {"642014235", {0, 1, 4, 5, 2, 3}, 6},
        {"85301623457", {0, 1, 6, 7, 2, 3, 4, 5}, 8},
        {"642012453", {0, 1, 2, 3, 4, 5}, 6},
        {"85301245367", {0, 1, 2, 7, 4, 5, 3, 6}, 8},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct sdp_layout layout;
        assert_int_equal(sdp_layout_from_wire(cases[i].wire, false, &layout), LM_OK);
        assert_memory_equal(layout.mapping, cases[i].mapping, cases[i].channels);
    }
    static const char *const senseless[] = {
        "",       "2",         "21",       "211",       "2110",
        "211011", "21102",     "2120100",  "601012345", "9910123456789",
        "2110a",  "623012345", "671012345"};
    for (size_t i = 0; i < LM_ARRAY_LEN(senseless); i++) {
        struct sdp_layout layout;
        if (sdp_layout_from_wire(senseless[i], true, &layout) != LM_EPROTO)
            fail_msg("%s", senseless[i]);
    }
}

static void the_client_learns_the_encoders_layouts(void **state) /* gs-session 77 */
{
    static const char *const customs[] = {"", "642014523", "85301467235"};
    for (size_t i = 0; i < LM_ARRAY_LEN(customs); i++) {
        struct sdp_offer offer = {0};
        struct sdp_description got;
        char body[2048];
        strcpy(offer.surround, customs[i]);
        int size_bytes = sdp_describe_write(&offer, body, sizeof body);
        assert_int_equal(sdp_describe_parse(body, (size_t)size_bytes, &got), LM_OK);
        for (unsigned k = 0; k < 4; k++) {
            struct sdp_layout want, *has = k % 2 ? &got.high[k / 2] : &got.normal[k / 2];
            assert_int_equal(sdp_offer_layout(&offer, k / 2 ? 8 : 6, k % 2, &want), LM_OK);
            assert_memory_equal(has, &want, sizeof want);
        }
    }
}

static void a_foreign_description_is_read_leniently(void **state)
{
    static const char body[] = "sprop-parameter-sets=AAAAAU\na=fmtp:97 surround-params=642012453\n";
    struct sdp_description got;
    assert_int_equal(sdp_describe_parse(body, strlen(body), &got), LM_OK);
    assert_true(got.hevc && !got.av1);
    assert_int_equal(got.encryption_supported, 0);
    assert_int_equal(got.normal[0].streams, 4);
    assert_int_equal(got.high[0].channels, 0);
    assert_int_equal(got.normal[1].channels, 0);
    assert_int_equal(sdp_describe_parse(body, 0, &got), LM_EPROTO);
    assert_int_equal(sdp_describe_parse("a\0b", 3, &got), LM_EPROTO);
}

static void video_budget_leaves_room_for_the_rest(void **state) /* gs-media 88 */
{
    assert_int_equal(sdp_video_kbps(20000, 20, 2, true), 14988);
    assert_int_equal(sdp_video_kbps(1000, 0, 8, true), 720);
    assert_int_equal(sdp_video_kbps(1000, 90, 2, false), 728);
    assert_int_equal(sdp_opus_bps(6, true), 1536000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_transcript_parses_and_is_reproduced),
        cmocka_unit_test(every_stream_reads_back),
        cmocka_unit_test(the_oldest_subset_gets_defaults),
        cmocka_unit_test(missing_essentials_are_refused),
        cmocka_unit_test(each_attribute_has_its_range),
        cmocka_unit_test(rates_are_clamped_and_frame_rates_normalised),
        cmocka_unit_test(feature_flag_switches_audio_encryption_on),
        cmocka_unit_test(nul_and_overlong_bodies_are_refused),
        cmocka_unit_test(describe_has_markers_iff_supported),
        cmocka_unit_test(requested_encryption_is_a_subset),
        cmocka_unit_test(surround_lines_are_the_recommended_ones),
        cmocka_unit_test(client_mappings_match_the_known_conversions),
        cmocka_unit_test(the_client_learns_the_encoders_layouts),
        cmocka_unit_test(a_foreign_description_is_read_leniently),
        cmocka_unit_test(video_budget_leaves_room_for_the_rest),
    };
    return cmocka_run_group_tests_name("sdp", tests, NULL, NULL);
}
