#include "session/rtsp_server.h"

#include "core/wire/gs_test.h"
#include "session/rtsp_client.h"

#define CLIENT_IP "192.168.1.20"

static uint8_t key[16];

static const struct stream_params usual_stream = {
    .width_px = 1920,
    .height_px = 1080,
    .rate_mhz = 60000,
    .packet_size_bytes = 1392,
    .configured_kbps = 20000,
    .codec = SDP_HEVC,
    .single_reference = true,
    .slices = 1,
    .min_parity_packets = 2,
    .client_features = 3,
    .encryption = 1,
    .control_type = 13,
    .mark_video = true,
    .mark_audio = true,
    .audio_channels = 2,
    .channel_mask = 3,
    .packet_ms = 5,
};

static const char options_text[] =
    "OPTIONS rtspenc://192.168.1.10:48010 RTSP/1.0\r\nCSeq: 1\r\nX-GS-ClientVersion: 14\r\n"
    "Host: 192.168.1.10\r\n\r\n";

struct bench {
    struct rtsp_session session;
    struct rtsp_input in;
    uint8_t out[RTSP_MAX_FRAME_BYTES];
    char text[RTSP_MAX_MESSAGE_BYTES]; /* the answer in the clear */
    uint32_t sequence;
    int announced; /* calls of the announce hook */
    int verdict;
};

static int take_announce(void *user, struct stream_params *stream)
{
    struct bench *b = user;
    b->announced++;
    return b->verdict;
}

static struct rtsp_session_params usual_params(struct bench *b, bool encrypted)
{
    struct rtsp_session_params params = {
        .encrypted = encrypted,
        .peer_ip = CLIENT_IP,
        .audio_port = 48000,
        .video_port = 47998,
        .control_port = 47999,
        .codecs = HOSTINFO_H264 | HOSTINFO_HEVC | HOSTINFO_HEVC_MAIN10,
        .offer = {.feature_flags = 3, .encryption_supported = 7, .encryption_requested = 1},
        .announce = take_announce,
        .user = b,
    };
    memcpy(params.key, key, sizeof key);
    rtsp_session_randomize(&params);
    b->verdict = 200;
    b->announced = 0;
    b->sequence = 0;
    return params;
}

static void bench_open(struct bench *b, bool encrypted)
{
    struct rtsp_session_params params = usual_params(b, encrypted);
    rtsp_session_init(&b->session, &params);
}

/* The rules every client's parser demands of an answer; returns the status. */
static int check_answer(const char *text) /* gs-session 71 */
{
    int status = 0, used = 0;
    assert_int_equal(sscanf(text, "RTSP/1.0 %3d %n", &status, &used), 1);
    const char *line = strstr(text, "\r\n");
    assert_true(line > text + used); /* the reason is not empty */
    int headers = 0;
    for (line += 2; strncmp(line, "\r\n", 2) != 0; line = strstr(line, "\r\n") + 2) {
        const char *end = strstr(line, "\r\n"), *colon = strchr(line, ':');
        assert_true(colon && end && colon < end && colon > line);
        assert_null(memchr(line, ' ', (size_t)(colon - line)));
        assert_true(colon[1] == ' ' && colon[2] != ' ' && colon + 2 < end);
        headers++;
    }
    assert_true(headers >= 1);
    return status;
}

/* Hands one plain request in; returns the status, or a negative code. */
static int ask_from(struct bench *b, const char *peer_ip, const char *request)
{
    uint8_t frame[RTSP_MAX_FRAME_BYTES];
    const uint8_t *data = (const uint8_t *)request;
    size_t size_bytes = strlen(request);
    if (b->session.params.encrypted) {
        size_bytes = (size_t)rtsp_frame_seal(key, RTSP_FROM_CLIENT, ++b->sequence, request,
                                             size_bytes, frame, sizeof frame);
        data = frame;
    }
    rtsp_input_reset(&b->in);
    assert_int_equal(rtsp_input_feed(&b->in, data, size_bytes), RTSP_COMPLETE);
    int got = rtsp_session_handle(&b->session, &b->in, peer_ip, b->out, sizeof b->out);
    if (got < 0)
        return got;
    memcpy(b->text, b->out, (size_t)got);
    if (b->session.params.encrypted) {
        uint32_t sequence;
        got = rtsp_frame_open(key, RTSP_FROM_HOST, b->out, (size_t)got, (uint8_t *)b->text,
                              sizeof b->text, &sequence);
        assert_true(got > 0);
        assert_int_equal(sequence, b->session.host_sequence);
    }
    b->text[got] = '\0';
    return check_answer(b->text);
}

static int ask(struct bench *b, const char *request)
{
    return ask_from(b, CLIENT_IP, request);
}

/* `method_target` with the usual headers; with the token from the second SETUP on. */
static int send_step(struct bench *b, const char *method_target, const char *host, const char *body)
{
    char request[4096], session[64] = "", length[64] = "";
    if (b->session.setup_mask)
        snprintf(session, sizeof session, "Session: %s\r\n", b->session.params.token);
    if (body[0])
        snprintf(length, sizeof length, "Content-length: %zu\r\n", strlen(body));
    snprintf(request, sizeof request, "%s RTSP/1.0\r\nCSeq: 3\r\nHost: %s\r\n%s%s\r\n%s",
             method_target, host, session, length, body);
    return ask(b, request);
}

static void run_setups(struct bench *b, const char *host)
{
    static const char *const steps[] = {"OPTIONS rtsp://h:1", "DESCRIBE rtsp://h:1",
                                        "SETUP streamid=audio/0/0", "SETUP streamid=video/0/0",
                                        "SETUP streamid=control/13/0"};
    for (size_t i = 0; i < LM_ARRAY_LEN(steps); i++)
        assert_int_equal(send_step(b, steps[i], host, ""), 200);
}

static int announce(struct bench *b, const struct stream_params *stream)
{
    char body[2048];
    assert_true(sdp_announce_write(stream, "10.0.0.1", 1, body, sizeof body) > 0);
    return send_step(b, "ANNOUNCE streamid=control/13/0", "0.0.0.0", body);
}

static void the_handshake_goes_through(void **state) /* gs-session 72 73 74 88 */
{
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        static struct bench b;
        char want[128];
        bench_open(&b, encrypted);
        const struct rtsp_session_params *params = &b.session.params;
        assert_int_equal(send_step(&b, "OPTIONS rtsp://h:1", "h", ""), 200);
        assert_non_null(strstr(b.text, "\r\nCSeq: 3\r\n"));
        assert_int_equal(send_step(&b, "DESCRIBE rtsp://h:1", "h", ""), 200);
        assert_non_null(strstr(b.text, "\r\n\r\na=x-ss-general.featureFlags:3\r\n"));
        assert_non_null(strstr(b.text, "sprop-parameter-sets=AAAAAU"));
        assert_null(strstr(b.text, "AV1"));
        assert_int_equal(send_step(&b, "SETUP streamid=audio/0/0", "h", ""), 200);
        snprintf(want, sizeof want, "Session: %s;timeout = 90\r\n", params->token);
        assert_non_null(strstr(b.text, want));
        assert_non_null(strstr(b.text, "Transport: server_port=48000\r\n"));
        snprintf(want, sizeof want, "X-SS-Ping-Payload: %s\r\n", params->audio_ping);
        assert_non_null(strstr(b.text, want));
        assert_int_equal(send_step(&b, "SETUP streamid=video/0/0", "h", ""), 200);
        snprintf(want, sizeof want, "X-SS-Ping-Payload: %s\r\n", params->video_ping);
        assert_non_null(strstr(b.text, want));
        assert_int_equal(send_step(&b, "SETUP streamid=control/13/0", "h", ""), 200);
        assert_non_null(strstr(b.text, "Transport: server_port=47999\r\n"));
        snprintf(want, sizeof want, "X-SS-Connect-Data: %u\r\n", params->connect_data);
        assert_non_null(strstr(b.text, want));
        assert_int_equal(announce(&b, &usual_stream), 200);
        assert_int_equal(b.announced, 1);
        assert_int_equal(b.session.state, RTSP_ANNOUNCED);
        assert_int_equal(b.session.stream.width_px, 1920);
        assert_int_equal(send_step(&b, "PLAY /", "h", ""), 200);
        assert_int_equal(b.session.state, RTSP_PLAYING);
        assert_int_equal(send_step(&b, "TEARDOWN /", "h", ""), 200);
        rtsp_session_finish(&b.session);
        assert_memory_equal(b.session.params.key, (uint8_t[16]){0}, 16);
    }
}

static void secrets_are_random_and_well_formed(void **state) /* gs-session 74 */
{
    struct rtsp_session_params a = {0}, b = {0};
    rtsp_session_randomize(&a);
    rtsp_session_randomize(&b);
    assert_int_equal(strlen(a.audio_ping), 16);
    assert_int_equal(strlen(a.video_ping), 16);
    assert_string_not_equal(a.audio_ping, a.video_ping);
    assert_string_not_equal(a.audio_ping, b.audio_ping);
    assert_string_not_equal(a.token, b.token);
    assert_int_not_equal(a.connect_data, b.connect_data);
}

static void old_targets_are_understood(void **state) /* gs-session 72 */
{
    static struct bench b;
    char body[2048];
    bench_open(&b, false);
    assert_int_equal(send_step(&b, "OPTIONS rtsp://h:1", "h", ""), 200);
    assert_int_equal(send_step(&b, "DESCRIBE rtsp://h:1", "h", ""), 200);
    assert_int_equal(send_step(&b, "SETUP streamid=microphone/0/0", "h", ""), 404);
    assert_null(strstr(b.text, "Session"));
    assert_int_equal(send_step(&b, "SETUP audio", "h", ""), 404);
    assert_int_equal(send_step(&b, "SETUP streamid=audio", "h", ""), 200);
    assert_int_equal(send_step(&b, "SETUP streamid=video/0/0", "h", ""), 200);
    assert_int_equal(send_step(&b, "SETUP streamid=control/1/0", "h", ""), 200);
    struct stream_params stream = usual_stream;
    stream.control_type = 1;
    assert_true(sdp_announce_write(&stream, "10.0.0.1", 1, body, sizeof body) > 0);
    assert_int_equal(send_step(&b, "ANNOUNCE streamid=video", "h", body), 403);
    b.session.params.allow_legacy_control = true;
    assert_int_equal(send_step(&b, "ANNOUNCE streamid=video", "h", body), 200);
    assert_int_equal(send_step(&b, "PLAY streamid=video", "h", ""), 200);
    assert_int_equal(send_step(&b, "PLAY streamid=audio", "h", ""), 200);
}

static void order_is_enforced(void **state)
{
    static const struct {
        const char *request;
        int status;
    } steps[] = {
        {"DESCRIBE x", 455},
        {"SETUP streamid=audio/0/0", 455},
        {"PLAY /", 454}, /* no token yet */
        {"GET_PARAMETER x", 501},
        {"OPTIONS x", 200},
        {"SETUP streamid=audio/0/0", 455},
        {"DESCRIBE x", 200},
        {"SETUP streamid=audio/0/0", 200},
        {"PLAY /", 455},
        {"ANNOUNCE streamid=control/13/0", 455},
        {"OPTIONS x", 200},
    };
    static struct bench b;
    bench_open(&b, false);
    for (size_t i = 0; i < LM_ARRAY_LEN(steps); i++)
        if (send_step(&b, steps[i].request, "h", "") != steps[i].status)
            fail_msg("%s", steps[i].request);
}

static void the_token_binds_later_requests(void **state)
{
    static struct bench b;
    bench_open(&b, false);
    run_setups(&b, "h");
    char request[256];
    assert_int_equal(ask(&b, "SETUP streamid=video/0/0 RTSP/1.0\r\nCSeq: 9\r\n\r\n"), 454);
    snprintf(request, sizeof request,
             "SETUP streamid=video/0/0 RTSP/1.0\r\nCSeq: 9\r\nSession: %s;timeout = 90\r\n\r\n",
             b.session.params.token);
    assert_int_equal(ask(&b, request), 200); /* the oldest clients return the tail, too */
    assert_int_equal(ask(&b, "SETUP streamid=video/0/0 RTSP/1.0\r\nSession: DEADBEEFCAFE\r\n\r\n"),
                     454);
}

static void sequences_rise_from_anywhere(void **state) /* gs-session 78 79 */
{
    static struct bench b;
    bench_open(&b, true);
    b.sequence = 76;
    assert_int_equal(ask(&b, options_text), 200);
    assert_int_equal(b.session.host_sequence, 1);
    b.sequence = 76; /* the same number again: a replay */
    assert_int_equal(ask(&b, options_text), LM_EPROTO);
    b.sequence = 70;
    assert_int_equal(ask(&b, options_text), LM_EPROTO);
    b.sequence = 1000;
    assert_int_equal(ask(&b, options_text), 200);
    assert_int_equal(b.session.host_sequence, 2);
}

static void plain_and_encrypted_do_not_mix(void **state) /* gs-session 80 */
{
    static struct bench b;
    bench_open(&b, true);
    rtsp_input_reset(&b.in);
    assert_int_equal(rtsp_input_feed(&b.in, (const uint8_t *)options_text, strlen(options_text)),
                     RTSP_COMPLETE);
    assert_int_equal(rtsp_session_handle(&b.session, &b.in, CLIENT_IP, b.out, sizeof b.out),
                     LM_EAUTH);
    b.session.params.encrypted = false;
    int size_bytes = rtsp_frame_seal(key, RTSP_FROM_CLIENT, 1, options_text, strlen(options_text),
                                     b.out, sizeof b.out);
    rtsp_input_reset(&b.in);
    assert_int_equal(rtsp_input_feed(&b.in, b.out, (size_t)size_bytes), RTSP_COMPLETE);
    assert_int_equal(rtsp_session_handle(&b.session, &b.in, CLIENT_IP, b.out, sizeof b.out),
                     LM_EAUTH);
}

static void tampering_is_silent_and_loses_nothing(void **state) /* gs-session 81 */
{
    static struct bench b;
    uint8_t frame[256];
    bench_open(&b, true);
    int size_bytes = rtsp_frame_seal(key, RTSP_FROM_CLIENT, 1, options_text, strlen(options_text),
                                     frame, sizeof frame);
    for (int at = 4; at < size_bytes; at++) {
        frame[at] ^= 1;
        rtsp_input_reset(&b.in);
        assert_int_equal(rtsp_input_feed(&b.in, frame, (size_t)size_bytes), RTSP_COMPLETE);
        assert_int_equal(rtsp_session_handle(&b.session, &b.in, CLIENT_IP, b.out, sizeof b.out),
                         LM_EAUTH);
        frame[at] ^= 1;
    }
    assert_int_equal(b.session.state, RTSP_WAITING);
    assert_int_equal(ask(&b, options_text), 200);
}

static void plain_requests_come_from_the_launcher(void **state) /* gs-session 89 */
{
    static struct bench b;
    bench_open(&b, false);
    assert_int_equal(ask_from(&b, "192.168.1.99", options_text), LM_EAUTH);
    assert_int_equal(ask_from(&b, CLIENT_IP, options_text), 200);
}

static void unsupported_profiles_are_refused(void **state) /* gs-session 85 */
{
    static const struct {
        enum sdp_codec codec;
        bool chroma444, ten_bit;
        int status;
    } cases[] = {
        {SDP_H264, false, false, 200}, {SDP_HEVC, false, false, 200}, {SDP_HEVC, false, true, 200},
        {SDP_AV1, false, false, 400},  {SDP_H264, false, true, 400},  {SDP_H264, true, false, 400},
        {SDP_HEVC, true, false, 400},  {SDP_HEVC, true, true, 400},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        static struct bench b;
        struct stream_params stream = usual_stream;
        stream.codec = cases[i].codec;
        stream.chroma444 = cases[i].chroma444;
        stream.ten_bit = cases[i].ten_bit;
        bench_open(&b, false);
        run_setups(&b, "h");
        assert_int_equal(announce(&b, &stream), cases[i].status);
        assert_int_equal(b.announced, cases[i].status == 200);
    }
}

static void required_encryption_is_enforced(void **state) /* gs-session 86 gs-media 45 */
{
    for (uint32_t bits = 0; bits < 8; bits++) {
        static struct bench b;
        struct stream_params stream = usual_stream;
        stream.encryption = bits;
        bench_open(&b, true);
        b.session.params.encryption_required = SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_VIDEO;
        run_setups(&b, "h");
        assert_int_equal(announce(&b, &stream), (bits & 3) == 3 ? 200 : 403);
    }
    static struct bench b;
    struct stream_params stream = usual_stream;
    stream.encryption = SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_VIDEO;
    bench_open(&b, true);
    b.session.params.offer.encryption_supported = SDP_ENCRYPT_CONTROL;
    run_setups(&b, "h");
    assert_int_equal(announce(&b, &stream), 400);
    stream.encryption = SDP_ENCRYPT_CONTROL | SDP_ENCRYPT_AUDIO; /* has a switch of its own */
    assert_int_equal(announce(&b, &stream), 200);
}

static void host_header_selects_the_stereo_quality(void **state) /* gs-session 87 */
{
    static const struct {
        const char *host;
        bool high;
    } cases[] = {{"0.0.0.0", false}, {"192.168.1.10", true}, {"pc.local", true}};
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        static struct bench b;
        char body[2048];
        bench_open(&b, false);
        run_setups(&b, cases[i].host);
        assert_true(sdp_announce_write(&usual_stream, "10.0.0.1", 1, body, sizeof body) > 0);
        assert_int_equal(send_step(&b, "ANNOUNCE streamid=control/13/0", cases[i].host, body), 200);
        assert_int_equal(b.session.stream.high_quality_audio, cases[i].high);
    }
}

static void refused_streams_keep_the_handshake_open(void **state)
{
    static struct bench b;
    bench_open(&b, false);
    run_setups(&b, "h");
    b.verdict = 503;
    assert_int_equal(announce(&b, &usual_stream), 503);
    assert_int_equal(b.session.state, RTSP_DESCRIBED);
    assert_int_equal(send_step(&b, "ANNOUNCE streamid=control/13/0", "h", "v=0\r\n"), 400);
    b.verdict = 200;
    assert_int_equal(announce(&b, &usual_stream), 200);
    assert_int_equal(announce(&b, &usual_stream), 455);
}

/* ---- the client against the server ---- */

static void client_and_server_agree(void **state)
{
    for (int encrypted = 0; encrypted < 2; encrypted++) {
        static struct bench b;
        static struct rtsp_client c;
        uint8_t request[RTSP_MAX_FRAME_BYTES];
        bench_open(&b, encrypted);
        struct rtsp_client_params params = {.key = encrypted ? key : NULL,
                                            .url = encrypted ? "rtspenc://192.168.1.10:48010"
                                                             : "rtsp://192.168.1.10:48010",
                                            .host_ip = "192.168.1.10",
                                            .first_sequence = 41};
        assert_int_equal(rtsp_client_init(&c, &params), LM_OK);
        while (!rtsp_client_done(&c)) {
            if (rtsp_client_wants_stream(&c))
                c.stream = usual_stream;
            int size_bytes = rtsp_client_request(&c, request, sizeof request);
            assert_true(size_bytes > 0);
            rtsp_input_reset(&b.in);
            assert_int_equal(rtsp_input_feed(&b.in, request, (size_t)size_bytes), RTSP_COMPLETE);
            size_bytes = rtsp_session_handle(&b.session, &b.in, CLIENT_IP, b.out, sizeof b.out);
            assert_true(size_bytes > 0);
            assert_int_equal(rtsp_client_answer(&c, b.out, (size_t)size_bytes), LM_OK);
        }
        assert_int_equal(b.session.state, RTSP_PLAYING);
        assert_true(b.session.stream.high_quality_audio);
        assert_int_equal(c.audio_port, 48000);
        assert_int_equal(c.video_port, 47998);
        assert_int_equal(c.control_port, 47999);
        assert_string_equal(c.audio_ping, b.session.params.audio_ping);
        assert_string_equal(c.video_ping, b.session.params.video_ping);
        assert_int_equal(c.connect_data, b.session.params.connect_data);
        assert_true(c.description.hevc);
        assert_int_equal(c.sequence, encrypted ? 47 : 40);
    }
}

static void client_refuses_bad_answers(void **state)
{
    static const struct {
        const char *answer;
        int result, status;
    } cases[] = {
        {"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n", LM_OK, 200},
        {"RTSP/1.0 503 Service Unavailable\r\nCSeq: 1\r\n\r\n", LM_EUNSUPPORTED, 503},
        {"RTSP/1.0 200 \r\nCSeq: 1\r\n\r\n", LM_EPROTO, 0},
        {"RTSP/1.1 200 OK\r\nCSeq: 1\r\n\r\n", LM_EPROTO, 0},
        {"RTSP/1.0 200 OK\r\n\r\n", LM_EPROTO, 0},
        {"RTSP/1.0 200 OK\r\nCSeq: 1\r\n", LM_EPROTO, 0},
        {"", LM_EPROTO, 0},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        static struct rtsp_client c;
        struct rtsp_client_params params = {
            .url = "rtsp://h:48010", .host_ip = "h", .first_sequence = 1, .modest_audio = true};
        uint8_t request[1024];
        assert_int_equal(rtsp_client_init(&c, &params), LM_OK);
        int size_bytes = rtsp_client_request(&c, request, sizeof request - 1);
        request[size_bytes] = '\0';
        assert_non_null(strstr((char *)request, "OPTIONS rtsp://0.0.0.0:48010 RTSP/1.0\r\n"));
        assert_non_null(strstr((char *)request, "Host: 0.0.0.0\r\n"));
        int result =
            rtsp_client_answer(&c, (const uint8_t *)cases[i].answer, strlen(cases[i].answer));
        assert_int_equal(result, cases[i].result);
        assert_int_equal(c.status, cases[i].status);
    }
}

static int set_key(void **state)
{
    gs_test_hex("2b7e151628aed2a6abf7158809cf4f3c", key, sizeof key);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_handshake_goes_through),
        cmocka_unit_test(secrets_are_random_and_well_formed),
        cmocka_unit_test(old_targets_are_understood),
        cmocka_unit_test(order_is_enforced),
        cmocka_unit_test(the_token_binds_later_requests),
        cmocka_unit_test(sequences_rise_from_anywhere),
        cmocka_unit_test(plain_and_encrypted_do_not_mix),
        cmocka_unit_test(tampering_is_silent_and_loses_nothing),
        cmocka_unit_test(plain_requests_come_from_the_launcher),
        cmocka_unit_test(unsupported_profiles_are_refused),
        cmocka_unit_test(required_encryption_is_enforced),
        cmocka_unit_test(host_header_selects_the_stereo_quality),
        cmocka_unit_test(refused_streams_keep_the_handshake_open),
        cmocka_unit_test(client_and_server_agree),
        cmocka_unit_test(client_refuses_bad_answers),
    };
    return cmocka_run_group_tests_name("rtsp_server", tests, set_key, NULL);
}
