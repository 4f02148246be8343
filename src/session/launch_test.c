#include "session/launch.h"

#include "core/wire/gs_test.h"

#define KEY  "2b7e151628aed2a6abf7158809cf4f3c"
#define BASE "appid=1&rikeyid=1&rikey=" KEY

static int parse(const char *text, bool resume, struct launch_params *out)
{
    const char *why;
    struct params query = params_of_query(text);
    int result = launch_parse(&query, resume, out, &why);
    assert_int_equal(result == LM_OK, why[0] == '\0');
    return result;
}

static void the_transcript_of_a_current_client_parses(void **state)
{
    static const char query[] =
        "uniqueid=0123456789ABCDEF&uuid=00&appid=881448767&mode=3840x2160x120&additionalStates=1"
        "&sops=0&rikey=" KEY "&rikeyid=-559038737&hdrMode=1&clientHdrCapVersion=0"
        "&clientHdrCapSupportedFlagsInUint32=0&clientHdrCapMetaDataId=NV_STATIC_METADATA_TYPE_1"
        "&clientHdrCapDisplayData=0x0x0x0x0x0x0x0x0x0x0&localAudioPlayMode=0"
        "&surroundAudioInfo=104792072&remoteControllersBitmap=1&gcmap=1&gcpersist=0&corever=1";
    struct launch_params got;
    assert_int_equal(parse(query, false, &got), LM_OK);
    assert_int_equal(got.app_id, 881448767);
    assert_int_equal(got.width_px, 3840);
    assert_int_equal(got.height_px, 2160);
    assert_int_equal(got.rate_mhz, 120000);
    assert_true(got.hdr && !got.optimize && !got.local_audio && !got.persist_pads);
    assert_int_equal(got.audio_channels, 8);
    assert_int_equal(got.channel_mask, 0x63f);
    assert_int_equal(got.pad_mask, 1);
    assert_int_equal(got.core_version, 1);
    assert_int_equal(got.key[0], 0x2b);
    assert_int_equal(got.key_id, 0xdeadbeef);
}

static void key_ids_are_signed_or_unsigned(void **state) /* gs-session 57 */
{
    static const struct {
        const char *text;
        int result;
        const char *iv;
    } cases[] = {
        {"-559038737", LM_OK, "deadbeef000000000000000000000000"},
        {"1", LM_OK, "00000001000000000000000000000000"},
        {"0", LM_OK, "00000000000000000000000000000000"},
        {"3735928559", LM_OK, "deadbeef000000000000000000000000"},
        {"4294967295", LM_OK, "ffffffff000000000000000000000000"},
        {"-2147483648", LM_OK, "80000000000000000000000000000000"},
        {"4294967296", LM_EPROTO, NULL},
        {"-2147483649", LM_EPROTO, NULL},
        {"", LM_EPROTO, NULL},
        {"x", LM_EPROTO, NULL},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char query[256];
        struct launch_params got;
        uint8_t iv[16], want[16];
        snprintf(query, sizeof query, "appid=1&rikey=" KEY "&rikeyid=%s", cases[i].text);
        assert_int_equal(parse(query, false, &got), cases[i].result);
        if (cases[i].result != LM_OK)
            continue;
        launch_iv(got.key_id, iv);
        gs_test_hex(cases[i].iv, want, sizeof want);
        assert_memory_equal(iv, want, sizeof iv);
    }
}

static void modes_take_every_spelling_of_the_rate(void **state) /* gs-session 58 */
{
    static const struct {
        const char *mode;
        int result;
        uint32_t width, height, rate_mhz;
    } cases[] = {
        {"1920x1080x60", LM_OK, 1920, 1080, 60000},
        {"1920x1080x0", LM_OK, 1920, 1080, 0},
        {"1920x1080x59.94", LM_OK, 1920, 1080, 59940},
        {"1920x1080x59940", LM_OK, 1920, 1080, 59940},
        {"1920x1080x23.976", LM_OK, 1920, 1080, 23976},
        {"1920x1080x119.88012", LM_OK, 1920, 1080, 119880},
        {"0x0x0", LM_OK, 0, 0, 0},
        {"1920x1080", LM_EPROTO, 0, 0, 0},
        {"1920x1080x", LM_EPROTO, 0, 0, 0},
        {"1920x1080x60x", LM_EPROTO, 0, 0, 0},
        {"1920x1080x60.", LM_EPROTO, 0, 0, 0},
        {"99999x1080x60", LM_EPROTO, 0, 0, 0},
        {"-1x1080x60", LM_EPROTO, 0, 0, 0},
        {"x1080x60", LM_EPROTO, 0, 0, 0},
        {"1920x1080x1000001", LM_EPROTO, 0, 0, 0},
        {"1920x1080x99999999999999999999", LM_EPROTO, 0, 0, 0},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct launch_params got = {0};
        int result = launch_parse_mode(cases[i].mode, &got);
        if (result != cases[i].result || got.width_px != cases[i].width ||
            got.height_px != cases[i].height || got.rate_mhz != cases[i].rate_mhz)
            fail_msg("%s", cases[i].mode);
    }
}

static void optional_parameters_have_defaults(void **state) /* gs-session 59 */
{
    struct launch_params got;
    assert_int_equal(parse(BASE, false, &got), LM_OK);
    assert_int_equal(got.audio_channels, 2);
    assert_int_equal(got.channel_mask, 3);
    assert_int_equal(got.core_version, -1);
    assert_int_equal(got.rate_mhz, 0);
    assert_false(got.hdr || got.persist_pads || got.local_audio || got.optimize);
    assert_string_equal(got.unique_id, "");
    assert_string_equal(got.surround, "");
}

static void what_is_malformed_is_refused(void **state) /* gs-session 60 */
{
    static const char *const queries[] = {
        "appid=1&rikeyid=1",
        "appid=1&rikeyid=1&rikey=",
        "appid=1&rikeyid=1&rikey=2b7e151628aed2a6abf7158809cf4f",
        "appid=1&rikeyid=1&rikey=" KEY "00",
        "appid=1&rikeyid=1&rikey=zz7e151628aed2a6abf7158809cf4f3c",
        "appid=1&rikey=" KEY,
        "rikeyid=1&rikey=" KEY,
        "appid=-1&rikeyid=1&rikey=" KEY,
        BASE "&mode=big",
        BASE "&surroundAudioInfo=5",
        BASE "&surroundAudioInfo=x",
        BASE "&hdrMode=yes",
        BASE "&corever=-1",
        BASE "&gcmap=0x3",
        BASE "&uniqueid=%00",
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(queries); i++) {
        struct launch_params got;
        if (parse(queries[i], false, &got) != LM_EPROTO)
            fail_msg("%s", queries[i]);
    }
}

static void resume_needs_no_app(void **state) /* gs-session 63 */
{
    struct launch_params got;
    assert_int_equal(parse("rikeyid=1&rikey=" KEY, true, &got), LM_OK);
    assert_int_equal(parse("appid=99&rikeyid=1&rikey=" KEY, true, &got), LM_OK);
    assert_int_equal(got.app_id, 0);
}

static void surround_info_is_mask_and_count(void **state)
{
    static const struct {
        const char *info;
        unsigned mask, channels;
    } cases[] = {{"196610", 0x3, 2}, {"4128774", 0x3f, 6}, {"104792072", 0x63f, 8}, {"6", 0x3f, 6}};
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char query[256];
        struct launch_params got;
        snprintf(query, sizeof query, BASE "&surroundAudioInfo=%s", cases[i].info);
        assert_int_equal(parse(query, false, &got), LM_OK);
        assert_int_equal(got.channel_mask, cases[i].mask);
        assert_int_equal(got.audio_channels, cases[i].channels);
    }
}

static void custom_layouts_are_used_only_when_sound(void **state)
{
    static const struct {
        const char *digits, *want;
    } cases[] = {
        {"642014523", "642014523"}, {"85301623457", ""}, {"642014528", ""}, {"652014523", ""},
        {"64201452", ""},           {"6420145233", ""},  {"abc", ""},       {"", ""},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        char query[256];
        struct launch_params got;
        snprintf(query, sizeof query, BASE "&surroundAudioInfo=4128774&surroundParams=%s",
                 cases[i].digits);
        assert_int_equal(parse(query, false, &got), LM_OK);
        assert_string_equal(got.surround, cases[i].want);
    }
}

static void a_clients_query_reads_back(void **state)
{
    static const struct launch_params in = {
        .app_id = 5,
        .unique_id = "abc",
        .width_px = 2560,
        .height_px = 1440,
        .rate_mhz = 59940,
        .key = {1, 2, 3},
        .key_id = 0xdeadbeef,
        .hdr = true,
        .persist_pads = true,
        .continuous_audio = true,
        .virtual_display = true,
        .audio_channels = 6,
        .channel_mask = 0x3f,
        .pad_mask = 3,
        .core_version = 1,
        .scale_percent = 150,
        .surround = "642014523",
    };
    struct launch_params got;
    char query[LAUNCH_QUERY_MAX_BYTES];
    assert_true(launch_format(&in, false, query, sizeof query) > 0);
    assert_non_null(strstr(query, "&mode=2560x1440x59.94&"));
    assert_non_null(strstr(query, "&rikeyid=-559038737&"));
    assert_int_equal(parse(query, false, &got), LM_OK);
    assert_memory_equal(&got, &in, sizeof got);
    assert_int_equal(launch_format(&in, false, query, 100), LM_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_transcript_of_a_current_client_parses),
        cmocka_unit_test(key_ids_are_signed_or_unsigned),
        cmocka_unit_test(modes_take_every_spelling_of_the_rate),
        cmocka_unit_test(optional_parameters_have_defaults),
        cmocka_unit_test(what_is_malformed_is_refused),
        cmocka_unit_test(resume_needs_no_app),
        cmocka_unit_test(surround_info_is_mask_and_count),
        cmocka_unit_test(custom_layouts_are_used_only_when_sound),
        cmocka_unit_test(a_clients_query_reads_back),
    };
    return cmocka_run_group_tests_name("launch", tests, NULL, NULL);
}
