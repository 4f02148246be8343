/* Every call, misused in every way that has an answer: the answer is the documented one. */
#include "rig.h"

#include <poll.h>
#include <pthread.h>

/* --- configurations --------------------------------------------------------------------------- */

static LumenStatus open_with(const LumenConfig *c)
{
    LumenSession *session = (LumenSession *)&session;
    LumenStatus status = lumen_session_open(c, "127.0.0.1:0", NULL, &session);
    assert_true((session != NULL) == (status == LUMEN_STATUS_OK));
    LumenSession *same = lumen_session_new(c, "127.0.0.1:0", NULL);
    assert_true((same != NULL) == (status == LUMEN_STATUS_OK));
    lumen_session_free(session);
    lumen_session_free(same);
    return status;
}

static void members_out_of_range_are_refused(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
        LumenStatus phase_1, phase_2;
    } cases[] = {
#define CASE(member, value, p1, p2)                                                                \
    {offsetof(LumenConfig, member), value, LUMEN_STATUS_##p1, LUMEN_STATUS_##p2}
        CASE(struct_size, 0, INVALID_ARG, INVALID_ARG),
        CASE(struct_size, 63, INVALID_ARG, INVALID_ARG),
        CASE(struct_size, 64, OK, OK),
        CASE(struct_size, 100000, OK, OK),
        CASE(role, 1, OK, OK),
        CASE(role, 2, INVALID_ARG, INVALID_ARG),
        CASE(phase, 0, INVALID_ARG, INVALID_ARG),
        CASE(phase, 3, INVALID_ARG, INVALID_ARG),
        CASE(fec_scheme, 1, UNSUPPORTED, OK),
        CASE(fec_scheme, 2, INVALID_ARG, INVALID_ARG),
        CASE(fec_percent, 0, OK, OK),
        CASE(fec_percent, 100, OK, OK),
        CASE(fec_percent, 101, OK, INVALID_ARG),
        CASE(fec_percent, 255, OK, INVALID_ARG),
        CASE(fec_percent, 256, INVALID_ARG, INVALID_ARG),
        CASE(max_data_per_block, 0, OK, OK),
        CASE(max_data_per_block, 65535, OK, OK),
        CASE(max_data_per_block, 65536, INVALID_ARG, INVALID_ARG),
        CASE(shard_payload, 0, OK, OK),
        CASE(shard_payload, 8, INVALID_ARG, INVALID_ARG),
        CASE(shard_payload, 9, OK, INVALID_ARG),
        CASE(shard_payload, 512, OK, OK),
        CASE(shard_payload, 1400, OK, INVALID_ARG),
        CASE(shard_payload, 8176, OK, INVALID_ARG),
        CASE(shard_payload, 8177, INVALID_ARG, INVALID_ARG),
        CASE(shard_payload, 65408, INVALID_ARG, OK),
        CASE(shard_payload, 65472, INVALID_ARG, INVALID_ARG),
        CASE(shard_payload, UINT32_MAX, INVALID_ARG, INVALID_ARG),
        CASE(encrypt, 2, INVALID_ARG, INVALID_ARG),
        CASE(frames_in_flight, 1, INVALID_ARG, INVALID_ARG),
        CASE(frames_in_flight, 17, INVALID_ARG, INVALID_ARG),
        CASE(reorder_us, 1000000, OK, OK),
        CASE(reorder_us, 1000001, INVALID_ARG, INVALID_ARG),
        CASE(pace_bytes_per_s, 1, UNSUPPORTED, UNSUPPORTED),
#undef CASE
    };
    for (size_t i = 0; i < RIG_LEN(cases); i++) {
        for (uint32_t w = 0; w < 4; w += 2) {
            LumenConfig c = rig_config(rig_ways[w], LUMEN_ROLE_HOST);
            LumenStatus expected = w == 0 ? cases[i].phase_1 : cases[i].phase_2;
            memcpy((char *)&c + cases[i].at, &cases[i].value, sizeof cases[i].value);
            if (open_with(&c) != expected)
                fail_msg("offset %zu, value %u, phase %u", cases[i].at, cases[i].value, c.phase);
        }
    }
    LumenConfig c = rig_config(rig_ways[2], LUMEN_ROLE_HOST);
    c.max_frame_bytes = (UINT64_C(1) << 31) + 1;
    assert_int_equal(open_with(&c), LUMEN_STATUS_INVALID_ARG);
    assert_int_equal(open_with(NULL), LUMEN_STATUS_NULL_POINTER);
    assert_int_equal(lumen_session_open(&c, NULL, NULL, NULL), LUMEN_STATUS_NULL_POINTER);
}

/* Members behind the first version's are not looked at when struct_size does not reach them. */
static void an_older_caller_gets_the_defaults(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[2]);
    for (int i = 0; i < 2; i++) {
        p.configs[i].struct_size = 64;
        memset((char *)&p.configs[i] + 64, 0xff, sizeof p.configs[i] - 64);
    }
    rig_loopback(&p);
    assert_int_equal(rig_submit(p.host, 1000, 1), LUMEN_STATUS_OK);
    rig_expect(p.client, 1000, 1);
    rig_free(&p);
}

static void addresses_are_checked(void **state)
{
    static const struct {
        const char *local, *peer;
        LumenStatus status;
    } cases[] = {
        {"127.0.0.1:0", "127.0.0.1:9", LUMEN_STATUS_OK},
        {"127.0.0.1", NULL, LUMEN_STATUS_OK},
        {NULL, NULL, LUMEN_STATUS_OK},
        {NULL, "127.0.0.1:9", LUMEN_STATUS_OK},
        {"", NULL, LUMEN_STATUS_INVALID_ARG},
        {"localhost:0", NULL, LUMEN_STATUS_INVALID_ARG},
        {"127.0.0.1:65536", NULL, LUMEN_STATUS_INVALID_ARG},
        {"127.0.0.1:0", "127.0.0.1", LUMEN_STATUS_INVALID_ARG},
        {"127.0.0.1:0", "127.0.0.1:0", LUMEN_STATUS_INVALID_ARG},
        {"127.0.0.1:0", "0.0.0.0:9", LUMEN_STATUS_INVALID_ARG},
        {"127.0.0.1:0", "[::1]:9", LUMEN_STATUS_INVALID_ARG},
        {"127.0.0.1:0", "example", LUMEN_STATUS_INVALID_ARG},
        {"127.0.0.1:0", "", LUMEN_STATUS_INVALID_ARG},
        {"192.0.2.1:0", NULL, LUMEN_STATUS_IO},
    };
    LumenConfig c = rig_config(rig_ways[4], LUMEN_ROLE_HOST);
    for (size_t i = 0; i < RIG_LEN(cases); i++) {
        LumenSession *session;
        if (lumen_session_open(&c, cases[i].local, cases[i].peer, &session) != cases[i].status)
            fail_msg("%s, %s", cases[i].local, cases[i].peer);
        if (session && cases[i].local)
            assert_int_equal(lumen_session_set_peer(session, cases[i].peer),
                             cases[i].peer ? cases[i].status : LUMEN_STATUS_NULL_POINTER);
        lumen_session_free(session);
    }
}

static void pairs_that_do_not_match_are_refused(void **state)
{
    static const struct {
        int host, client; /* index of rig_ways */
        uint32_t host_role, client_role, client_shard;
        LumenStatus status;
    } cases[] = {
        {0, 0, 0, 1, 1024, LUMEN_STATUS_OK},          {0, 2, 0, 1, 1024, LUMEN_STATUS_INVALID_ARG},
        {2, 4, 0, 1, 1024, LUMEN_STATUS_INVALID_ARG}, {4, 4, 0, 1, 1088, LUMEN_STATUS_INVALID_ARG},
        {4, 4, 0, 0, 1024, LUMEN_STATUS_INVALID_ARG}, {4, 4, 1, 1, 1024, LUMEN_STATUS_INVALID_ARG},
        {4, 4, 1, 0, 1024, LUMEN_STATUS_INVALID_ARG}, {4, 5, 0, 1, 1024, LUMEN_STATUS_OK},
    };
    for (size_t i = 0; i < RIG_LEN(cases); i++) {
        LumenConfig h = rig_config(rig_ways[cases[i].host], cases[i].host_role);
        LumenConfig c = rig_config(rig_ways[cases[i].client], cases[i].client_role);
        LumenSession *host = (LumenSession *)&h, *client = (LumenSession *)&c;
        c.shard_payload = cases[i].client_shard;
        assert_int_equal(lumen_test_loopback_pair(&h, &c, &host, &client), cases[i].status);
        assert_true((host != NULL) == (cases[i].status == LUMEN_STATUS_OK));
        assert_true((client != NULL) == (cases[i].status == LUMEN_STATUS_OK));
        lumen_session_free(host);
        lumen_session_free(client);
    }
}

/* --- calls ------------------------------------------------------------------------------------ */

static void ignore(const LumenInputEvent *event, void *user)
{
}

enum call {
    SUBMIT,
    POLL,
    POLL_LOSS,
    SEND_INPUT,
    SET_CALLBACK,
    POLL_INPUT,
    STATS,
    INFO,
    WAIT,
    SET_PEER,
    CALLS,
};

static int32_t call(enum call which, LumenSession *s)
{
    LumenFrame frame;
    LumenLoss loss;
    LumenStats stats;
    LumenSessionInfo info;
    LumenInputEvent event;
    memset(&event, 0, sizeof event);
    event.type = LUMEN_INPUT_MOTION;
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info;
    switch (which) {
    case SUBMIT:
        return lumen_host_submit_frame(s, (const uint8_t *)"x", 1, 0, 0);
    case POLL:
        return lumen_client_poll_frame(s, &frame);
    case POLL_LOSS:
        return lumen_client_poll_loss(s, &loss);
    case SEND_INPUT:
        return lumen_send_input(s, &event);
    case SET_CALLBACK:
        return lumen_set_input_callback(s, ignore, NULL);
    case POLL_INPUT:
        return lumen_host_poll_input(s);
    case STATS:
        return lumen_get_stats(s, &stats);
    case INFO:
        return lumen_session_get_info(s, &info);
    case WAIT:
        return lumen_session_wait(s, 0);
    case SET_PEER:
        return lumen_session_set_peer(s, "127.0.0.1:9");
    default:
        return 1;
    }
}

static void each_role_has_its_calls(void **state)
{
    static const int32_t expected[CALLS][2] = {
        /* host, client; no frame, loss or event is there */
        [SUBMIT] = {LUMEN_STATUS_OK, LUMEN_STATUS_INVALID_ARG},
        [POLL] = {LUMEN_STATUS_INVALID_ARG, LUMEN_STATUS_NO_FRAME},
        [POLL_LOSS] = {LUMEN_STATUS_INVALID_ARG, LUMEN_STATUS_NO_FRAME},
        [SEND_INPUT] = {LUMEN_STATUS_INVALID_ARG, LUMEN_STATUS_OK},
        [SET_CALLBACK] = {LUMEN_STATUS_OK, LUMEN_STATUS_INVALID_ARG},
        [POLL_INPUT] = {0, LUMEN_STATUS_INVALID_ARG},
        [STATS] = {LUMEN_STATUS_OK, LUMEN_STATUS_OK},
        [INFO] = {LUMEN_STATUS_OK, LUMEN_STATUS_OK},
        [WAIT] = {LUMEN_STATUS_NO_FRAME, LUMEN_STATUS_NO_FRAME},
        [SET_PEER] = {LUMEN_STATUS_UNSUPPORTED, LUMEN_STATUS_UNSUPPORTED},
    };
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        for (int i = 0; i < CALLS; i++) {
            struct rig_pair p = rig_pair(rig_ways[w]);
            rig_loopback(&p);
            LumenSession *sessions[2] = {p.host, p.client};
            for (int role = 0; role < 2; role++)
                if (call((enum call)i, sessions[role]) != expected[i][role])
                    fail_msg("call %d, role %d", i, role);
            rig_free(&p);
        }
    }
}

static void handles_are_checked(void **state)
{
    LumenSender *sender;
    LumenConfig c = rig_config(rig_ways[4], LUMEN_ROLE_HOST);
    struct rig_pair p = rig_pair(rig_ways[4]);
    rig_loopback(&p);
    LumenSession *freed[2] = {p.host, p.client};
    rig_free(&p);
    assert_int_equal(lumen_sender_create(&c, &sender), LUMEN_STATUS_OK);
    LumenSession *foreign[] = {(LumenSession *)sender, (LumenSession *)&c, (LumenSession *)1,
                               (LumenSession *)UINTPTR_MAX, (LumenSession *)(uintptr_t)0xaaaaaaaa};
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(call((enum call)i, NULL), LUMEN_STATUS_NULL_POINTER);
        assert_int_equal(call((enum call)i, freed[0]), LUMEN_STATUS_CLOSED);
        assert_int_equal(call((enum call)i, freed[1]), LUMEN_STATUS_CLOSED);
        for (size_t f = 0; f < RIG_LEN(foreign); f++)
            assert_int_equal(call((enum call)i, foreign[f]), LUMEN_STATUS_INVALID_ARG);
    }
    for (size_t f = 0; f < RIG_LEN(foreign); f++)
        lumen_session_free(foreign[f]);
    lumen_session_free(freed[0]);
    lumen_session_free(NULL);
    lumen_sender_destroy(sender);
}

static void freed_senders_receivers_and_codes_are_closed(void **state)
{
    LumenConfig h = rig_config(rig_ways[4], LUMEN_ROLE_HOST);
    LumenConfig c = rig_config(rig_ways[4], LUMEN_ROLE_CLIENT);
    LumenFecConfig fc;
    LumenSender *sender;
    LumenReceiver *receiver;
    LumenFec *fec;
    LumenStats stats;
    LumenFrame frame;
    LumenLoss loss;
    LumenBatch batch;
    LumenFrameStart start;
    uint64_t wake_at;
    uint8_t byte = 0, *bytes[3] = {&byte, &byte, &byte};
    memset(&fc, 0, sizeof fc);
    fc.struct_size = sizeof fc;
    fc.max_data = fc.max_parity = fc.max_shard_bytes = 1;
    memset(&start, 0, sizeof start);
    start.struct_size = sizeof start;
    start.parts = 1;
    assert_int_equal(lumen_sender_create(&h, &sender), LUMEN_STATUS_OK);
    assert_int_equal(lumen_receiver_create(&c, &receiver), LUMEN_STATUS_OK);
    assert_int_equal(lumen_fec_create(&fc, &fec), LUMEN_STATUS_OK);
    lumen_sender_destroy(sender);
    lumen_receiver_destroy(receiver);
    lumen_fec_destroy(fec);
    for (int round = 0; round < 2; round++) {
        LumenStatus expected = round ? LUMEN_STATUS_NULL_POINTER : LUMEN_STATUS_CLOSED;
        const LumenStatus answers[] = {
            lumen_sender_push(sender, &start, &byte, 1, 0),
            lumen_sender_push_frame(sender, &start, &byte, 1, 0),
            lumen_sender_pull(sender, 0, &batch, &wake_at),
            lumen_sender_done(sender, 0, 0),
            lumen_sender_stats(sender, &stats),
            lumen_receiver_push(receiver, &byte, 1, 0),
            lumen_receiver_pop(receiver, 0, &frame),
            lumen_receiver_pop_loss(receiver, &loss),
            lumen_receiver_stats(receiver, &stats),
            lumen_fec_encode(fec, 1, 1, (const uint8_t *const *)bytes, bytes, 1),
            lumen_fec_begin(fec, 1, 1, 1),
            lumen_fec_add(fec, &byte),
            lumen_fec_finish(fec, bytes),
            lumen_fec_decode(fec, 1, 1, bytes, &byte, 1, NULL),
        };
        for (size_t i = 0; i < RIG_LEN(answers); i++)
            assert_int_equal(answers[i], expected);
        assert_true(lumen_receiver_wake_at(receiver) == UINT64_MAX);
        lumen_sender_destroy(sender);
        lumen_receiver_destroy(receiver);
        lumen_fec_destroy(fec);
        sender = NULL;
        receiver = NULL;
        fec = NULL;
    }
    assert_int_equal(lumen_sender_create(&c, &sender), LUMEN_STATUS_INVALID_ARG);
    assert_int_equal(lumen_receiver_create(&h, &receiver), LUMEN_STATUS_INVALID_ARG);
}

static void null_pointers_are_refused_by_sessions_and_creates(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[4]);
    const LumenConfig *h = &p.configs[0], *c = &p.configs[1];
    LumenSession *a, *b;
    LumenSender *sender;
    LumenReceiver *receiver;
    LumenFec *fec;
    LumenFecConfig fc = {.struct_size = sizeof fc};
    rig_loopback(&p);
    const LumenStatus answers[] = {
        lumen_test_loopback_pair(NULL, c, &a, &b),
        lumen_test_loopback_pair(h, NULL, &a, &b),
        lumen_test_loopback_pair(h, c, NULL, &b),
        lumen_test_loopback_pair(h, c, &a, NULL),
        lumen_host_submit_frame(p.host, NULL, 1, 0, 0),
        lumen_client_poll_frame(p.client, NULL),
        lumen_client_poll_loss(p.client, NULL),
        lumen_send_input(p.client, NULL),
        lumen_get_stats(p.host, NULL),
        lumen_session_get_info(p.host, NULL),
        lumen_session_set_peer(p.host, NULL),
        lumen_sender_create(NULL, &sender),
        lumen_sender_create(h, NULL),
        lumen_receiver_create(NULL, &receiver),
        lumen_receiver_create(c, NULL),
        lumen_fec_create(NULL, &fec),
        lumen_fec_create(&fc, NULL),
    };
    for (size_t i = 0; i < RIG_LEN(answers); i++)
        if (answers[i] != LUMEN_STATUS_NULL_POINTER)
            fail_msg("call %zu", i);
    assert_null(sender);
    assert_null(receiver);
    assert_null(fec);
    rig_free(&p);
}

static void null_pointers_are_refused_by_streams(void **state)
{
    LumenConfig h = rig_config(rig_ways[4], LUMEN_ROLE_HOST);
    LumenConfig c = rig_config(rig_ways[4], LUMEN_ROLE_CLIENT);
    LumenSender *sender;
    LumenReceiver *receiver;
    LumenFrameStart start = {.struct_size = sizeof start, .parts = 1};
    LumenBatch batch;
    uint64_t wake_at;
    uint8_t byte = 0;
    assert_int_equal(lumen_sender_create(&h, &sender), LUMEN_STATUS_OK);
    assert_int_equal(lumen_receiver_create(&c, &receiver), LUMEN_STATUS_OK);
    const LumenStatus answers[] = {
        lumen_sender_push(sender, &start, NULL, 1, 0),
        lumen_sender_push_frame(sender, NULL, &byte, 1, 0),
        lumen_sender_push_frame(sender, &start, NULL, 1, 0),
        lumen_sender_pull(sender, 0, NULL, &wake_at),
        lumen_sender_pull(sender, 0, &batch, NULL),
        lumen_sender_stats(sender, NULL),
        lumen_receiver_push(receiver, NULL, 1, 0),
        lumen_receiver_pop(receiver, 0, NULL),
        lumen_receiver_pop_loss(receiver, NULL),
        lumen_receiver_stats(receiver, NULL),
    };
    for (size_t i = 0; i < RIG_LEN(answers); i++)
        if (answers[i] != LUMEN_STATUS_NULL_POINTER)
            fail_msg("call %zu", i);
    lumen_sender_destroy(sender);
    lumen_receiver_destroy(receiver);
}

static void null_pointers_are_refused_by_codes(void **state)
{
    LumenFec *fec;
    LumenFecConfig fc = {
        .struct_size = sizeof fc, .max_data = 1, .max_parity = 1, .max_shard_bytes = 1};
    uint8_t byte = 0, one = 1, both[2] = {1, 1}, *bytes[2] = {&byte, NULL}, *none[2] = {NULL, NULL};
    const uint8_t *const *data = (const uint8_t *const *)bytes;
    assert_int_equal(lumen_fec_create(&fc, &fec), LUMEN_STATUS_OK);
    assert_int_equal(lumen_fec_begin(fec, 1, 1, 1), LUMEN_STATUS_OK);
    const LumenStatus answers[] = {
        lumen_fec_encode(fec, 1, 1, NULL, bytes, 1),
        lumen_fec_encode(fec, 1, 1, data, NULL, 1),
        lumen_fec_encode(fec, 1, 1, data, none, 1),
        lumen_fec_encode(fec, 1, 1, (const uint8_t *const *)none, bytes, 1),
        lumen_fec_add(fec, NULL),
        lumen_fec_finish(fec, NULL),
        lumen_fec_decode(fec, 1, 1, NULL, &one, 1, NULL),
        lumen_fec_decode(fec, 1, 1, bytes, NULL, 1, NULL),
        lumen_fec_decode(fec, 1, 1, none, both, 1, NULL),
        lumen_fec_decode(fec, 1, 1, bytes, both, 1, NULL),
    };
    for (size_t i = 0; i < RIG_LEN(answers); i++)
        if (answers[i] != LUMEN_STATUS_NULL_POINTER)
            fail_msg("call %zu", i);
    assert_int_equal(lumen_fec_add(fec, &byte), LUMEN_STATUS_OK); /* nothing of that has counted */
    assert_int_equal(lumen_fec_finish(fec, none), LUMEN_STATUS_NULL_POINTER);
    assert_int_equal(lumen_fec_finish(fec, bytes), LUMEN_STATUS_OK);
    lumen_fec_destroy(fec);
}

static void events_out_of_range_are_refused(void **state)
{
    static const struct {
        LumenInputEvent event;
        LumenStatus status;
    } cases[] = {
        {{.type = LUMEN_INPUT_KEY, .code = 1, .value = 1}, LUMEN_STATUS_OK},
        {{.type = LUMEN_INPUT_KEY, .code = 0, .value = 1}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_KEY, .code = 768, .value = 1}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_KEY, .code = 65537, .value = 1}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_KEY, .code = 1, .value = 2}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_KEY, .code = 1, .value = -1}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_KEY, .code = 1, .value = 256}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_BUTTON, .code = 33}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_BUTTON, .code = 32}, LUMEN_STATUS_OK},
        {{.type = LUMEN_INPUT_MOTION, .x = 32767, .y = -32767}, LUMEN_STATUS_OK},
        {{.type = LUMEN_INPUT_MOTION, .x = 32768}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_SCROLL, .y = -32768}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_POSITION, .x = 65535}, LUMEN_STATUS_OK},
        {{.type = LUMEN_INPUT_POSITION, .x = 65536}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_POSITION, .y = -1}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_TEXT, .text = "1234567890123456789012345678901"}, LUMEN_STATUS_OK},
        {{.type = LUMEN_INPUT_TEXT, .text = ""}, LUMEN_STATUS_INVALID_ARG},
        {{.type = LUMEN_INPUT_TEXT, .text = "\xff"}, LUMEN_STATUS_INVALID_ARG},
        {{.type = 0}, LUMEN_STATUS_INVALID_ARG},
        {{.type = 7}, LUMEN_STATUS_INVALID_ARG},
        {{.type = UINT32_MAX}, LUMEN_STATUS_INVALID_ARG},
    };
    struct rig_pair p = rig_pair(rig_ways[4]);
    rig_loopback(&p);
    for (size_t i = 0; i < RIG_LEN(cases); i++)
        if (lumen_send_input(p.client, &cases[i].event) != cases[i].status)
            fail_msg("event %zu", i);
    LumenInputEvent endless = {.type = LUMEN_INPUT_TEXT};
    memset(endless.text, 'x', sizeof endless.text);
    assert_int_equal(lumen_send_input(p.client, &endless), LUMEN_STATUS_INVALID_ARG);
    rig_free(&p);
}

static void other_arguments_out_of_range_are_refused(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[4]);
    LumenSessionInfo info;
    static uint8_t large[65508];
    LumenReceiver *receiver;
    rig_loopback(&p);
    memset(&info, 0, sizeof info);
    info.struct_size = sizeof info - 1;
    assert_int_equal(lumen_session_get_info(p.host, &info), LUMEN_STATUS_INVALID_ARG);
    assert_int_equal(lumen_session_wait(p.client, 60001), LUMEN_STATUS_INVALID_ARG);
    assert_int_equal(lumen_receiver_create(&p.configs[1], &receiver), LUMEN_STATUS_OK);
    assert_int_equal(lumen_receiver_push(receiver, large, 65507, 0), LUMEN_STATUS_OK);
    assert_int_equal(lumen_receiver_push(receiver, large, 65508, 0), LUMEN_STATUS_INVALID_ARG);
    lumen_receiver_destroy(receiver);
    rig_free(&p);
}

static void without_a_peer_nothing_is_sent(void **state)
{
    LumenConfig h = rig_config(rig_ways[4], LUMEN_ROLE_HOST);
    LumenConfig c = rig_config(rig_ways[4], LUMEN_ROLE_CLIENT);
    LumenSession *host = lumen_session_new(&h, "127.0.0.1:0", NULL);
    LumenSession *client = lumen_session_new(&c, "127.0.0.1:0", NULL);
    assert_int_equal(call(SUBMIT, host), LUMEN_STATUS_INVALID_ARG);
    assert_int_equal(call(SEND_INPUT, client), LUMEN_STATUS_INVALID_ARG);
    assert_int_equal(call(POLL, client), LUMEN_STATUS_NO_FRAME);
    assert_int_equal(call(SET_PEER, host), LUMEN_STATUS_OK);
    assert_int_equal(call(SUBMIT, host), LUMEN_STATUS_OK);
    lumen_session_free(host);
    lumen_session_free(client);
}

static void *sleep_in_wait(void *session)
{
    LumenStatus status;
    do /* the first thread's call may be the one that is in */
        status = lumen_session_wait(session, 10000);
    while (status == LUMEN_STATUS_BUSY);
    return (void *)(intptr_t)status;
}

static void two_calls_of_a_kind_at_a_time_are_told(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[4]);
    pthread_t thread;
    void *result;
    LumenStatus status;
    rig_loopback(&p);
    assert_int_equal(pthread_create(&thread, NULL, sleep_in_wait, p.client), 0);
    do { /* until the other thread is in */
        LumenLoss loss;
        status = lumen_client_poll_loss(p.client, &loss);
        poll(NULL, 0, 1);
    } while (status != LUMEN_STATUS_BUSY);
    assert_int_equal(call(POLL, p.client), LUMEN_STATUS_BUSY);
    assert_int_equal(call(WAIT, p.client), LUMEN_STATUS_BUSY);
    assert_int_equal(call(SEND_INPUT, p.client), LUMEN_STATUS_OK);
    assert_int_equal(call(STATS, p.client), LUMEN_STATUS_OK);
    assert_int_equal(call(SUBMIT, p.host), LUMEN_STATUS_OK);
    pthread_join(thread, &result);
    assert_int_equal((intptr_t)result, LUMEN_STATUS_OK);
    assert_int_equal(call(POLL, p.client), LUMEN_STATUS_OK);
    rig_free(&p);
}

static void objects_are_bounded(void **state)
{
    static LumenFec *all[LUMEN_MAX_OBJECTS + 1];
    LumenFecConfig fc;
    uint32_t made = 0;
    LumenStatus status;
    memset(&fc, 0, sizeof fc);
    fc.struct_size = sizeof fc;
    fc.scheme = LUMEN_FEC_GF16;
    fc.max_data = fc.max_parity = 1;
    fc.max_shard_bytes = 2;
    while ((status = lumen_fec_create(&fc, &all[made])) == LUMEN_STATUS_OK)
        assert_true(++made <= LUMEN_MAX_OBJECTS);
    assert_int_equal(status, LUMEN_STATUS_NO_MEMORY);
    assert_int_equal(made, LUMEN_MAX_OBJECTS);
    for (uint32_t i = 0; i < made; i++)
        lumen_fec_destroy(all[i]);
    assert_int_equal(lumen_fec_begin(all[7], 1, 1, 2), LUMEN_STATUS_CLOSED);
    assert_int_equal(lumen_fec_create(&fc, &all[0]), LUMEN_STATUS_OK);
    assert_int_equal(lumen_fec_begin(all[7], 1, 1, 2), LUMEN_STATUS_CLOSED);
    lumen_fec_destroy(all[0]);
}

static void every_status_has_a_text(void **state)
{
    for (int i = 1; i >= -14; i--) {
        const char *text = lumen_status_text((LumenStatus)i);
        assert_non_null(text);
        assert_int_equal(!strcmp(text, "unknown status"), i > 0 || i < -12);
    }
    assert_int_equal(lumen_abi_version(), LUMEN_ABI_VERSION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_out_of_range_are_refused),
        cmocka_unit_test(an_older_caller_gets_the_defaults),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(pairs_that_do_not_match_are_refused),
        cmocka_unit_test(each_role_has_its_calls),
        cmocka_unit_test(handles_are_checked),
        cmocka_unit_test(freed_senders_receivers_and_codes_are_closed),
        cmocka_unit_test(null_pointers_are_refused_by_sessions_and_creates),
        cmocka_unit_test(null_pointers_are_refused_by_streams),
        cmocka_unit_test(null_pointers_are_refused_by_codes),
        cmocka_unit_test(events_out_of_range_are_refused),
        cmocka_unit_test(other_arguments_out_of_range_are_refused),
        cmocka_unit_test(without_a_peer_nothing_is_sent),
        cmocka_unit_test(two_calls_of_a_kind_at_a_time_are_told),
        cmocka_unit_test(objects_are_bounded),
        cmocka_unit_test(every_status_has_a_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
