#include "session/rtsp.h"

#include "core/wire/gs_test.h"

static uint8_t key[16];

static const char options_text[] =
    "OPTIONS rtspenc://192.168.1.10:48010 RTSP/1.0\r\nCSeq: 1\r\nX-GS-ClientVersion: 14\r\n"
    "Host: 192.168.1.10\r\n\r\n";

static void frames_match_the_vectors(void **state) /* gs-session 78 */
{
    static const struct {
        enum rtsp_direction direction;
        uint32_t sequence;
        const char *plain, *frame;
    } cases[] = {
        {RTSP_FROM_CLIENT, 1, options_text,
         "8000006600000001820576eb4ea7bbd036ab043eab0cce97e357b2c7617de92fb0f84f5746b8cc24f3d06ce6"
         "a3114c951d38e433348145323584441e88e556f129d6e6a2208169e6a0ae0b0530d00177d7e8b8ffcfaab441"
         "cd80f2a9b0639929ea60b84b810fdcef326292670c5f905c646e9cee30ae10d864697d954904"},
        {RTSP_FROM_HOST, 1, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
         "8000001c0000000135ddc66007450443984931687160fbd8b85bae3ebd0cf14becb0829bc39b2a91fc551112"
         "2d535ea3a491e2ee"},
        {RTSP_FROM_HOST, 0x01020304, "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n",
         "8000001c010203045a79ba8b6ff830243a0626b89cf693d379d97ad0c1e304b7acf9b4b0afe723b0524bed3e"
         "568a263acde5640c"},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        uint8_t want[256], got[256];
        uint32_t sequence;
        size_t plain_bytes = strlen(cases[i].plain);
        size_t size_bytes = gs_test_hex(cases[i].frame, want, sizeof want);
        int made = rtsp_frame_seal(key, cases[i].direction, cases[i].sequence, cases[i].plain,
                                   plain_bytes, got, sizeof got);
        assert_int_equal(made, size_bytes);
        assert_memory_equal(got, want, size_bytes);
        int opened =
            rtsp_frame_open(key, cases[i].direction, want, size_bytes, got, sizeof got, &sequence);
        assert_int_equal(opened, plain_bytes);
        assert_memory_equal(got, cases[i].plain, plain_bytes);
        assert_int_equal(sequence, cases[i].sequence);
        assert_int_equal(rtsp_frame_open(key, cases[i].direction, want, size_bytes - 1, got,
                                         sizeof got, &sequence),
                         LM_EPROTO);
    }
}

static int feed_bytewise(struct rtsp_input *in, const uint8_t *data, size_t size_bytes)
{
    rtsp_input_reset(in);
    for (size_t i = 0; i < size_bytes; i++) {
        int result = rtsp_input_feed(in, data + i, 1);
        if (result != RTSP_NEED_MORE)
            return i + 1 == size_bytes ? result : LM_EINVAL;
    }
    return RTSP_NEED_MORE;
}

static void requests_arrive_byte_by_byte(void **state) /* gs-session 70 */
{
    static const char with_body[] = "ANNOUNCE streamid=control/13/0 RTSP/1.0\r\nCSeq: 6\r\n"
                                    "Content-length: 7\r\n\r\nv=0\r\n\r\n";
    static struct rtsp_input in;
    uint8_t frame[256];
    const struct {
        const void *data;
        size_t size_bytes;
    } cases[] = {
        {options_text, strlen(options_text)},
        {with_body, strlen(with_body)},
        {frame, (size_t)rtsp_frame_seal(key, RTSP_FROM_CLIENT, 1, "x", 1, frame, sizeof frame)},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        assert_int_equal(feed_bytewise(&in, cases[i].data, cases[i].size_bytes), RTSP_COMPLETE);
        assert_int_equal(in.size_bytes, cases[i].size_bytes);
        assert_int_equal(rtsp_input_encrypted(&in), i == 2);
        rtsp_input_reset(&in);
        assert_int_equal(rtsp_input_feed(&in, cases[i].data, cases[i].size_bytes), RTSP_COMPLETE);
    }
    assert_int_equal(rtsp_input_feed(&in, (const uint8_t *)"x", 1), LM_EPROTO);
}

static void input_is_bounded(void **state)
{
    static struct rtsp_input in;
    static uint8_t many[RTSP_MAX_FRAME_BYTES + 1];
    static const char *const heads[] = {
        "\x80\xff\xff\xff",
        "\x80",
        "\x80\0\0\0",
        "ANNOUNCE x RTSP/1.0\r\nContent-length: 9000\r\n\r\n",
        "ANNOUNCE x RTSP/1.0\r\nContent-length: x\r\n\r\n",
        "ANNOUNCE x RTSP/1.0\r\nContent-length: -1\r\n\r\n",
        "ANNOUNCE x RTSP/1.0\r\nno colon\r\n\r\n",
    };
    static const size_t sizes[] = {4, 1, 4};
    for (size_t i = 0; i < LM_ARRAY_LEN(heads); i++) {
        size_t size_bytes = i < 3 ? sizes[i] : strlen(heads[i]);
        rtsp_input_reset(&in);
        int result = rtsp_input_feed(&in, (const uint8_t *)heads[i], size_bytes);
        assert_true(i == 1 ? result == RTSP_NEED_MORE : result < 0);
    }
    memset(many, 'A', sizeof many);
    rtsp_input_reset(&in);
    assert_int_equal(rtsp_input_feed(&in, many, sizeof many), LM_ELIMIT);
    assert_int_equal(rtsp_input_feed(&in, many, RTSP_MAX_MESSAGE_BYTES + 1), LM_ELIMIT);
}

static void malformed_requests_are_refused(void **state)
{
    static const char *const requests[] = {
        "",
        "OPTIONS",
        "OPTIONS x\r\n\r\n",
        "OPTIONS x RTSP/2.0\r\n\r\n",
        "OPTIONS  RTSP/1.0\r\n\r\n",
        "OPTIONS x RTSP/1.0\r\nCSeq: 1\r\n",
        "OPTIONS x RTSP/1.0\r\nCSeq: one\r\n\r\n",
        "OPTIONS x RTSP/1.0\r\n: 1\r\n\r\n",
        "OPTIONS x RTSP/1.0\r\nA B: 1\r\n\r\n",
        "OPTIONS x RTSP/1.0\r\nContent-length: 3\r\n\r\nab",
        "OPTIONS x RTSP/1.0\r\nContent-length: 1\r\n\r\nab",
    };
    struct rtsp_message message;
    for (size_t i = 0; i < LM_ARRAY_LEN(requests); i++)
        if (rtsp_request_parse(requests[i], strlen(requests[i]), &message) != LM_EPROTO)
            fail_msg("%s", requests[i]);
    assert_int_equal(rtsp_request_parse("OPTIONS \0 RTSP/1.0\r\n\r\n", 22, &message), LM_EPROTO);
    char many[4096] = "OPTIONS x RTSP/1.0\r\n";
    for (int i = 0; i < 33; i++)
        strcat(many, "A: b\r\n");
    strcat(many, "\r\n");
    assert_int_equal(rtsp_request_parse(many, strlen(many), &message), LM_ELIMIT);
}

static void headers_match_without_case_and_the_last_wins(void **state)
{
    static const char text[] = "PLAY / RTSP/1.0\r\ncseq:7\r\nSESSION:  ab \r\nSession: cd\r\n\r\n";
    struct rtsp_message message;
    assert_int_equal(rtsp_request_parse(text, strlen(text), &message), LM_OK);
    assert_int_equal(message.cseq, 7);
    assert_int_equal(message.method, RTSP_PLAY);
    struct rtsp_text session = rtsp_header(&message, "session");
    assert_int_equal(session.size_bytes, 2);
    assert_memory_equal(session.at, "cd", 2);
    assert_null(rtsp_header(&message, "Sess").at);
}

static int set_key(void **state)
{
    gs_test_hex("2b7e151628aed2a6abf7158809cf4f3c", key, sizeof key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_match_the_vectors),
        cmocka_unit_test(requests_arrive_byte_by_byte),
        cmocka_unit_test(input_is_bounded),
        cmocka_unit_test(malformed_requests_are_refused),
        cmocka_unit_test(headers_match_without_case_and_the_last_wins),
    };
    return cmocka_run_group_tests_name("rtsp", tests, set_key, NULL);
}
