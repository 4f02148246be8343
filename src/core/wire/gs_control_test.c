#include "core/wire/gs_control.h"

#include "core/wire/gs_test.h"

static const struct lm_gs_host_message host_messages[] = {
    {.kind = LM_GS_HOST_HDR_MODE,
     .hdr = {true, 35400, 14600, 8500, 39850, 6550, 2300, 15635, 16450, 1000, 50, 900, 400, 600}},
    {.kind = LM_GS_HOST_HDR_MODE},
    {.kind = LM_GS_HOST_RUMBLE, .rumble = {1, 0x1234, 0xabcd}},
    {.kind = LM_GS_HOST_TRIGGER_RUMBLE, .rumble = {2, 100, 200}},
    {.kind = LM_GS_HOST_MOTION_REQUEST, .motion = {0, 100, LM_GS_SENSOR_GYROSCOPE}},
    {.kind = LM_GS_HOST_LED, .led = {0, 1, 2, 3}},
    {.kind = LM_GS_HOST_TRIGGERS,
     .triggers = {0,
                  0x0c,
                  0x21,
                  0x26,
                  {0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
                  {10, 11, 12, 13, 14, 15, 16, 17, 18, 19}}},
    {.kind = LM_GS_HOST_TERMINATION, .reason = LM_GS_END_GRACEFUL},
};

static void host_messages_match_the_vectors_both_ways(void **state) /* gs-media 64 65 79 */
{
    json_t *root = gs_test_load("control.json");
    const json_t *list = json_object_get(root, "host_to_client");
    assert_int_equal(json_array_size(list), LM_ARRAY_LEN(host_messages));
    for (size_t i = 0; i < LM_ARRAY_LEN(host_messages); i++) {
        uint8_t want[256], got[LM_GS_CONTROL_MAX_BYTES];
        const json_t *item = json_array_get(list, i);
        size_t size_bytes = gs_test_bytes(item, "plaintext_hex", want, sizeof want);
        int made = lm_gs_host_message_encode(&host_messages[i], got, sizeof got);
        if (made != (int)size_bytes || memcmp(got, want, size_bytes) != 0)
            fail_msg("%s", gs_test_text(item, "message"));
        struct lm_gs_host_message parsed;
        memset(&parsed, 0, sizeof parsed);
        assert_int_equal(lm_gs_host_message_parse(want, size_bytes, &parsed), LM_OK);
        assert_memory_equal(&parsed, &host_messages[i], sizeof parsed);
    }
    json_decref(root);
}

static const struct lm_gs_client_message client_messages[] = {
    {.kind = LM_GS_CLIENT_REQUEST_IDR},
    {.kind = LM_GS_CLIENT_START_B},
    {.kind = LM_GS_CLIENT_INPUT, .input = {.kind = LM_GS_INPUT_HAPTICS}},
    {.kind = LM_GS_CLIENT_PING},
    {.kind = LM_GS_CLIENT_INPUT,
     .input = {.kind = LM_GS_INPUT_KEY, .key = {true, true, 0x41, LM_GS_MOD_SHIFT}}},
    {.kind = LM_GS_CLIENT_INPUT,
     .input = {.kind = LM_GS_INPUT_KEY, .key = {false, false, 0x41, 0}}},
    {.kind = LM_GS_CLIENT_INVALIDATE, .range = {10, 12}},
    {.kind = LM_GS_CLIENT_LTR_ACK, .frame_index = 77},
    {.kind = LM_GS_CLIENT_FEC_STATUS, .fec = {5, 1, 2, 3, 4, 5, 6, 7, 20, 0, 1}},
};

static void client_messages_match_the_vectors_both_ways(void **state)
{
    json_t *root = gs_test_load("control.json");
    const json_t *list = json_object_get(root, "client_to_host");
    assert_int_equal(json_array_size(list), LM_ARRAY_LEN(client_messages));
    for (size_t i = 0; i < LM_ARRAY_LEN(client_messages); i++) {
        const struct lm_gs_client_message *message = &client_messages[i];
        uint8_t want[256], got[LM_GS_CONTROL_MAX_BYTES];
        const json_t *item = json_array_get(list, i);
        size_t size_bytes = gs_test_bytes(item, "plaintext_hex", want, sizeof want);
        struct lm_gs_client_message parsed;
        memset(&parsed, 0, sizeof parsed);
        assert_int_equal(lm_gs_client_message_parse(want, size_bytes, &parsed), LM_OK);
        if (memcmp(&parsed, message, sizeof parsed) != 0)
            fail_msg("%s", gs_test_text(item, "message"));
        int made = lm_gs_client_message_encode(message, got, sizeof got);
        assert_int_equal(made, size_bytes);
        assert_memory_equal(got, want, size_bytes);
        bool reliable = strcmp(gs_test_text(item, "delivery"), "reliable") == 0;
        assert_int_equal(lm_gs_client_message_reliable(message), reliable);
        int channel = (int)json_integer_value(json_object_get(item, "channel"));
        /* The first request for a key frame rides in the start slot, on channel 0. */
        if (i != 0)
            assert_int_equal(lm_gs_client_message_channel(message), channel);
    }
    json_decref(root);
}

static void old_client_messages_survive_a_round_trip(void **state)
{
    static const struct lm_gs_client_message messages[] = {
        {.kind = LM_GS_CLIENT_START_A},
        {.kind = LM_GS_CLIENT_LOSS_STATS, .loss = {3, 50, UINT64_C(0x100000002)}},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(messages); i++) {
        uint8_t plain[LM_GS_CONTROL_MAX_BYTES];
        struct lm_gs_client_message got;
        memset(&got, 0, sizeof got);
        int size_bytes = lm_gs_client_message_encode(&messages[i], plain, sizeof plain);
        assert_true(size_bytes > 0);
        assert_int_equal(lm_gs_client_message_parse(plain, (size_t)size_bytes, &got), LM_OK);
        assert_memory_equal(&got, &messages[i], sizeof got);
    }
}

static void unknown_types_are_told_apart_from_broken_ones(void **state) /* gs-media 62 */
{
    static const struct {
        const char *bytes;
        size_t size_bytes;
        int result;
    } cases[] = {
        {"\x00\x30\x04\x00\1\0\0\0", 8, LM_ENOENT},              /* a fork's extension */
        {"\x06\x02\x08\x00\0\0\0\4\x99\0\0\x55", 12, LM_ENOENT}, /* unknown input magic */
        {"\x50\x03\x08\x00\1\0\0\0", 8, LM_EPROTO},              /* length beyond the end */
        {"\x50\x03\x02\x00\1\0", 6, LM_EPROTO},                  /* too short for its type */
        {"\x06\x02\x08\x00\0\0\0\x0c\x07\0\0\0", 12, LM_EPROTO}, /* inner size too large */
        {"\x06\x02\x08\x00\xff\xff\xff\xff\x07\0\0\0", 12, LM_EPROTO},
        {"\x06\x02", 2, LM_EPROTO},
        {"\x02\x03\x00\x00", 4, LM_OK},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        struct lm_gs_client_message got;
        int result =
            lm_gs_client_message_parse((const uint8_t *)cases[i].bytes, cases[i].size_bytes, &got);
        assert_int_equal(result, cases[i].result);
    }
}

static void short_host_payloads_read_as_the_client_library_reads_them(void **state)
{
    struct lm_gs_host_message got;
    assert_int_equal(lm_gs_host_message_parse((const uint8_t *)"\x09\x01\x02\0\0\1", 6, &got),
                     LM_OK);
    assert_int_equal(got.reason, LM_GS_END_GRACEFUL);
    assert_int_equal(lm_gs_host_message_parse((const uint8_t *)"\x0e\x01\x01\0\1", 5, &got), LM_OK);
    assert_true(got.hdr.enable);
    assert_int_equal(got.hdr.red_x, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(host_messages_match_the_vectors_both_ways),
        cmocka_unit_test(client_messages_match_the_vectors_both_ways),
        cmocka_unit_test(old_client_messages_survive_a_round_trip),
        cmocka_unit_test(unknown_types_are_told_apart_from_broken_ones),
        cmocka_unit_test(short_host_payloads_read_as_the_client_library_reads_them),
    };
    return cmocka_run_group_tests_name("gs_control", tests, NULL, NULL);
}
