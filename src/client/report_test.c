#include "client/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/base/time.h"

#include <string.h>

static struct connect_stream stream = {
    .app_title = "Desktop",
    .launched_ns = 1000 * LM_NS_PER_MS,
    .params = {.width_px = 1280, .height_px = 720, .encryption = SDP_ENCRYPT_VIDEO},
};
static struct viewer_results viewer;
static struct receive_results receive;
static struct listener_results listener;

static void report_has_every_promised_figure(void **state)
{
    static const char *const names[] = {"host",
                                        "app",
                                        "width",
                                        "height",
                                        "codec",
                                        "fps_measured",
                                        "duration_s",
                                        "frames_received",
                                        "frames_decoded",
                                        "frames_lost",
                                        "key_frames",
                                        "recoveries",
                                        "shards_repaired",
                                        "packets",
                                        "packets_lost_or_late",
                                        "bitrate_kbps",
                                        "host_latency_ms",
                                        "network_ms",
                                        "decode_ms",
                                        "first_frame_ms",
                                        "intervals",
                                        "audio",
                                        "decode_errors",
                                        "termination",
                                        "pattern"};
    stats_cadence_init(&receive.cadence, 60000);
    receive.frames = 61;
    receive.stats.bytes = 1000000;
    viewer.first_picture_ns = 1250 * LM_NS_PER_MS;
    struct report report = {.host = "den",
                            .stream = &stream,
                            .viewer = &viewer,
                            .receive = &receive,
                            .listener = &listener,
                            .cause = ENDING_DONE,
                            .duration_ns = LM_NS_PER_S};
    json_t *json = report_json(&report);
    assert_non_null(json);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (!json_object_get(json, names[i]))
            fail_msg("no \"%s\"", names[i]);
    assert_true(json_real_value(json_object_get(json, "fps_measured")) == 60.0);
    assert_true(json_real_value(json_object_get(json, "bitrate_kbps")) == 8000.0);
    assert_true(json_real_value(json_object_get(json, "first_frame_ms")) == 250.0);
    assert_string_equal(json_string_value(json_object_get(json, "termination")), "done");
    json_t *audio = json_object_get(json, "audio");
    assert_non_null(json_object_get(audio, "tone_hz"));
    assert_non_null(json_object_get(audio, "rms"));
    json_t *pattern = json_object_get(json, "pattern");
    assert_non_null(json_object_get(json_object_get(pattern, "painted_to_received_ms"), "p99"));
    json_decref(json);
}

static void endings_become_sentences_and_statuses(void **state)
{
    static const struct {
        enum ending_cause cause;
        uint32_t code;
        bool seen;
        enum failure_status status; /* 0: as wished */
        const char *word;
    } cases[] = {
        {ENDING_DONE, 0, false, FAILURE_NONE, ""},
        {ENDING_USER, 0, true, FAILURE_NONE, ""},
        {ENDING_DROPPED, 0, true, FAILURE_NONE, ""},
        {ENDING_HOST, LM_GS_END_GRACEFUL, true, FAILURE_NONE, ""},
        {ENDING_HOST, LM_GS_END_GRACEFUL, false, FAILURE_REFUSED, "before the first picture"},
        {ENDING_HOST, LM_GS_END_PROTECTED, true, FAILURE_REFUSED, "protected"},
        {ENDING_HOST, LM_GS_END_CONVERSION, true, FAILURE_REFUSED, "convert"},
        {ENDING_HOST, 0x1234, true, FAILURE_REFUSED, "0x00001234"},
        {ENDING_LOST, 0, true, FAILURE_LOST, "connection lost"},
        {ENDING_NO_VIDEO, 0, false, FAILURE_UNREACHABLE, "no video"},
        {ENDING_NO_PICTURE, 0, false, FAILURE_OTHER, "no picture"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct failure failure = {0};
        int result = report_failure(cases[i].cause, cases[i].code, cases[i].seen, &failure);
        assert_int_equal(failure.status, cases[i].status);
        assert_int_equal(result < 0, cases[i].status != FAILURE_NONE);
        assert_non_null(strstr(failure.text, cases[i].word));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_has_every_promised_figure),
        cmocka_unit_test(endings_become_sentences_and_statuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
