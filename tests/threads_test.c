/* The host's threads against each other, on fakes: made for ThreadSanitizer, true without it. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/control_thread.h"
#include "host/desktop.h"
#include "host/input/record.h"
#include "host/test_rig.h"
#include "net/control_client.h"

#include <linux/input-event-codes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 20, LIMIT_MS = 30000, CONNECT_DATA = 4711, TOKEN = 5 };

static const uint8_t key[16] = "fedcba9876543210";

/* What another thread told, for the test's thread to wait for. */
struct mailbox {
    struct lm_wake wake;
    _Atomic uint32_t seen[16]; /* per event */
};

static void mailbox_open(struct mailbox *box)
{
    memset(box, 0, sizeof *box);
    assert_int_equal(lm_wake_init(&box->wake), 0);
}

static void mailbox_put(struct mailbox *box, uint32_t event)
{
    LM_CHECK(event < LM_ARRAY_LEN(box->seen));
    atomic_fetch_add(&box->seen[event], 1);
    lm_wake_signal(&box->wake);
}

static void mailbox_wait(struct mailbox *box, uint32_t event, uint32_t count)
{
    struct pollfd ready = {.fd = box->wake.fd, .events = POLLIN};
    while (atomic_load(&box->seen[event]) < count) {
        assert_int_equal(poll(&ready, 1, LIMIT_MS), 1);
        lm_wake_clear(&box->wake);
    }
}

/* --- a pipeline ------------------------------------------------------------------------------ */

static const struct rig_params small = {.encoder = "fake",
                                        .width = 160,
                                        .height = 96,
                                        .rate_mhz = 240000,
                                        .kbps = 2000,
                                        .slices = 4,
                                        .trace = true};

struct requester {
    struct pipeline *pipeline;
    struct thread thread;
    _Atomic uint32_t *frames;
    _Atomic bool stop;
};

/* As the control thread does, only without pause. */
static void request(void *user)
{
    struct requester *r = user;
    struct lm_gs_fec_status status = {.data_packets = 4, .received_data = 3, .received_parity = 1};
    for (uint32_t i = 0; !atomic_load(&r->stop); i++) {
        uint32_t frame = atomic_load(r->frames);
        if (i % 64 == 0)
            pipeline_request_key(r->pipeline);
        pipeline_invalidate(r->pipeline, frame, frame + i % 3);
        pipeline_note_fec_status(r->pipeline, &status);
        pipeline_note_losses(r->pipeline, 1);
        poll(NULL, 0, 1);
    }
}

static void a_stream_ends_at_any_time_whatever_is_asked_of_it(void **state)
{
    static struct rig rig;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct rig_params params = small;
        struct pipeline_stats stats;
        if (round % 2 && rig_has_encoder("x264"))
            params.encoder = "x264";
        rig_start(&rig, &params);
        struct requester requester = {.pipeline = rig.pipeline, .frames = &rig.frames};
        assert_int_equal(thread_start(&requester.thread, "requester", 0, request, &requester), 0);
        for (uint32_t i = 0; i < round; i++) {
            rig_set_routes(&rig);
            pipeline_get_stats(rig.pipeline, &stats);
            assert_true(rig_wait(&rig, &rig.frames, 2 * i));
        }
        atomic_store(&requester.stop, true);
        thread_join(&requester.thread);
        rig_stop(&rig);
        assert_int_equal(atomic_load(&rig.failures), 0);
    }
}

/* --- a desktop ------------------------------------------------------------------------------- */

static void on_desktop(void *user, enum desktop_event event, int arg)
{
    (void)arg;
    mailbox_put(user, event);
}

static void move_around(void *user)
{
    struct input *input = user;
    for (int i = 0; i < 200; i++) {
        input_move(input, i, -i);
        input_key(input, KEY_A, i % 2 == 0);
        LM_CHECK(input_flush(input) == LM_OK);
    }
}

static void a_desktop_serves_requests_while_its_input_is_used(void **state)
{
    for (int round = 0; round < ROUNDS; round++) {
        struct mailbox box;
        struct desktop *desktop;
        struct thread user = {0};
        const struct desktop_params params = {
            .display = {.backend = "null",
                        .name = "test",
                        .runtime_dir = "/nonexistent",
                        .mode = {1280, 720, 60000}},
            .command = "exit 3",
            .input_backend = "record",
            .on_event = on_desktop,
            .user = &box,
        };
        mailbox_open(&box);
        assert_int_equal(desktop_create(&params, &desktop), 0);
        if (round % 4) {
            mailbox_wait(&box, DESKTOP_READY, 1);
            assert_non_null(desktop_env(desktop)->output_name);
            assert_int_equal(thread_start(&user, "input", 0, move_around, desktop_input(desktop)),
                             0);
            const struct display_mode mode = {640, 480, 50000};
            desktop_set_mode(desktop, &mode);
            mailbox_wait(&box, DESKTOP_MODE_SET, 1);
            mailbox_wait(&box, DESKTOP_PROGRAM_EXITED, 1);
            thread_join(&user);
            desktop_stop(desktop);
            mailbox_wait(&box, DESKTOP_CLOSED, 1);
        }
        desktop_destroy(desktop);
        assert_int_equal(atomic_load(&box.seen[DESKTOP_FAILED]), 0);
        assert_int_equal(atomic_load(&box.seen[DESKTOP_CLOSED]), 1);
        lm_wake_finish(&box.wake);
    }
}

static void a_desktop_that_cannot_open_says_so_and_closes(void **state)
{
    struct mailbox box;
    struct desktop *desktop;
    const struct desktop_params params = {
        .display = {.backend = "no such backend",
                    .name = "test",
                    .runtime_dir = "/nonexistent",
                    .mode = {1280, 720, 60000}},
        .on_event = on_desktop,
        .user = &box,
    };
    mailbox_open(&box);
    assert_int_equal(desktop_create(&params, &desktop), 0);
    mailbox_wait(&box, DESKTOP_FAILED, 1);
    mailbox_wait(&box, DESKTOP_CLOSED, 1);
    desktop_destroy(desktop);
    lm_wake_finish(&box.wake);
}

/* --- the control thread ---------------------------------------------------------------------- */

static void on_control(void *user, enum control_event event, uint64_t token)
{
    LM_CHECK(token >= TOKEN);
    mailbox_put(user, event);
}

static void ignore_message(void *user, uint8_t channel, const uint8_t *data, size_t size_bytes)
{
}

/* A port that was free a moment ago: another program may be quicker, so there are more tries. */
static uint16_t free_port(void)
{
    struct net_listen listen;
    const struct net_listen_params params = {.loopback_only = true, .socktype = SOCK_DGRAM};
    assert_int_equal(net_listen_open(&listen, &params), 0);
    net_listen_close(&listen);
    return listen.port;
}

static uint16_t start_control(struct mailbox *box, struct control_thread **out)
{
    struct control_thread_params params = {
        .loopback_only = true, .on_event = on_control, .user = box};
    int code = LM_EEXIST;
    for (int tries = 0; tries < 10 && code == LM_EEXIST; tries++) {
        params.port = free_port();
        code = control_thread_create(&params, out);
    }
    assert_int_equal(code, 0);
    return params.port;
}

static void say(struct control_client *client, struct control *cipher,
                const struct lm_gs_client_message *message)
{
    uint8_t packet[LM_GS_ENVELOPE_MAX_BYTES];
    int size = control_write_client(cipher, message, packet, sizeof packet);
    assert_true(size > 0);
    assert_int_equal(control_client_send(client, lm_gs_client_message_channel(message), packet,
                                         (size_t)size, CONTROL_RELIABLE),
                     0);
    assert_true(control_client_service(client, 1) >= 0);
}

/* A client's way: it connects, types, loses frames, and leaves or is sent away. */
static void visit(uint16_t port, struct mailbox *box, bool leaves)
{
    const struct lm_gs_client_message messages[] = {
        {.kind = LM_GS_CLIENT_START_B},
        {.kind = LM_GS_CLIENT_REQUEST_IDR},
        {.kind = LM_GS_CLIENT_INPUT,
         .input = {.kind = LM_GS_INPUT_KEY, .key = {.down = true, .vk = 'A'}}},
        {.kind = LM_GS_CLIENT_FEC_STATUS, .fec = {.data_packets = 2, .received_data = 2}},
        {.kind = LM_GS_CLIENT_INVALIDATE, .range = {1, 2}},
        {.kind = LM_GS_CLIENT_PING},
    };
    struct control_client_params params = {.connect_data = CONNECT_DATA,
                                           .received = ignore_message};
    struct control_client *client;
    struct control *cipher;
    uint64_t limit = lm_clock_now_ns() + LIMIT_MS * LM_NS_PER_MS;
    assert_int_equal(net_addr_parse(&params.host, "127.0.0.1", port), 0);
    assert_int_equal(control_create(&cipher, CONTROL_CLIENT, CONTROL_IV_V2, key), 0);
    assert_int_equal(control_client_create(&client, &params), 0);
    assert_int_equal(control_client_connect(client, limit), 0);
    mailbox_wait(box, CONTROL_CONNECTED, 1);
    for (size_t i = 0; i < LM_ARRAY_LEN(messages); i++)
        say(client, cipher, &messages[i]);
    if (leaves) {
        control_client_disconnect(client, limit);
        mailbox_wait(box, CONTROL_LOST, 1);
    }
    control_client_destroy(client);
    control_destroy(cipher);
}

static void the_control_thread_serves_a_stream_until_it_is_removed(void **state)
{
    static struct rig rig;
    struct mailbox box;
    for (int round = 0; round < 4; round++) {
        const struct input_params params = {.backend = "record", .width = 160, .height = 96};
        struct control_thread *control;
        struct input *input;
        mailbox_open(&box);
        rig_start(&rig, &small);
        assert_int_equal(input_open(&params, &input), 0);
        uint16_t port = start_control(&box, &control);
        struct control_stream_params stream = {.connect_data = CONNECT_DATA,
                                               .iv = CONTROL_IV_V2,
                                               .width = 160,
                                               .height = 96,
                                               .pipeline = rig.pipeline,
                                               .input = input,
                                               .token = TOKEN};
        memcpy(stream.key, key, sizeof key);
        assert_int_equal(control_thread_add(control, &stream), 0);
        assert_true(rig_wait(&rig, &rig.frames, 5)); /* past the key frame that comes unasked */
        visit(port, &box, round % 2);
        control_thread_remove(control, TOKEN, true);
        mailbox_wait(&box, CONTROL_REMOVED, 1);
        uint32_t count;
        const struct record_event *events = record_events(input, &count);
        if (round % 2) { /* it said goodbye after its last message */
            assert_true(count >= 4);
            assert_true(events[0].kind == RECORD_KEY && events[0].down);
            assert_true(rig_wait(&rig, &rig.key_frames, 2));
        }
        for (uint32_t code = 1; code < 768; code++)
            assert_false(input_key_is_held(input, code));
        rig_stop(&rig);
        input_close(input);
        control_thread_destroy(control);
        lm_wake_finish(&box.wake);
    }
}

static void streams_are_added_and_removed_faster_than_they_connect(void **state)
{
    struct mailbox box;
    struct control_thread *control;
    mailbox_open(&box);
    start_control(&box, &control);
    for (uint32_t i = 0; i < ROUNDS; i++) {
        struct control_stream_params stream = {
            .connect_data = i, .iv = CONTROL_IV_V2, .token = TOKEN + i};
        assert_int_equal(control_thread_add(control, &stream), 0);
        control_thread_remove(control, TOKEN + i, i % 2);
    }
    mailbox_wait(&box, CONTROL_REMOVED, ROUNDS);
    control_thread_destroy(control);
    lm_wake_finish(&box.wake);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_ends_at_any_time_whatever_is_asked_of_it),
        cmocka_unit_test(a_desktop_serves_requests_while_its_input_is_used),
        cmocka_unit_test(a_desktop_that_cannot_open_says_so_and_closes),
        cmocka_unit_test(the_control_thread_serves_a_stream_until_it_is_removed),
        cmocka_unit_test(streams_are_added_and_removed_faster_than_they_connect),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
