/* The thread rules of lumen_core.h, used to the full: made for ThreadSanitizer, true without it.
 * Video calls, input calls and statistics of both ends each on a thread of their own. */
#include "rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { FRAMES = 200, KEYS = 300 };

struct stage {
    struct rig_pair pair;
    atomic_uint frames, losses, keys;
    atomic_bool done;
    bool lossy;
};

static void *submit(void *user)
{
    struct stage *s = user;
    static _Thread_local uint8_t data[30000];
    for (uint32_t i = 1; i <= FRAMES; i++) {
        size_t len = 1 + i * 149 % sizeof data;
        rig_fill(data, len, i);
        /* A socket of the test machine may be full for long: the frame is lost then. */
        (void)lumen_host_submit_frame(s->pair.host, data, len, i, LUMEN_FRAME_KEY);
        while (i >= 4 + atomic_load(&s->frames) + atomic_load(&s->losses))
            sched_yield();
    }
    return NULL;
}

static void *poll_frames(void *user)
{
    struct stage *s = user;
    static _Thread_local uint8_t data[30000];
    while (atomic_load(&s->frames) + atomic_load(&s->losses) < FRAMES) {
        LumenFrame f;
        LumenLoss loss;
        while (lumen_client_poll_frame(s->pair.client, &f) == LUMEN_STATUS_OK) {
            assert_true(f.len == 1 + f.frame_index * 149 % sizeof data);
            assert_memory_equal(f.data, rig_fill(data, f.len, f.frame_index), f.len);
            atomic_fetch_add(&s->frames, 1);
        }
        while (lumen_client_poll_loss(s->pair.client, &loss) == LUMEN_STATUS_OK)
            atomic_fetch_add(&s->losses, loss.last - loss.first + 1);
        lumen_session_wait(s->pair.client, 5);
    }
    while (!atomic_load(&s->done)) { /* acknowledgements, and what is to be repeated */
        LumenFrame f;
        lumen_client_poll_frame(s->pair.client, &f);
        lumen_session_wait(s->pair.client, 5);
    }
    return NULL;
}

static void *send_keys(void *user)
{
    struct stage *s = user;
    for (uint32_t i = 0; i < KEYS; i++) {
        LumenInputEvent event = {.type = LUMEN_INPUT_KEY, .code = 1 + i, .value = 1};
        LumenStatus status;
        while ((status = lumen_send_input(s->pair.client, &event)) == LUMEN_STATUS_FULL)
            sched_yield();
        assert_int_equal(status, LUMEN_STATUS_OK);
    }
    return NULL;
}

static void note_key(const LumenInputEvent *event, void *user)
{
    struct stage *s = user;
    uint32_t before = atomic_fetch_add(&s->keys, 1);
    assert_int_equal(event->code, 1 + before);
}

static void *poll_input(void *user)
{
    struct stage *s = user;
    while (atomic_load(&s->keys) < KEYS) {
        lumen_session_wait(s->pair.host, 5);
        assert_true(lumen_host_poll_input(s->pair.host) >= 0);
    }
    return NULL;
}

static void *watch(void *user)
{
    struct stage *s = user;
    LumenStats before[2];
    memset(before, 0, sizeof before);
    while (!atomic_load(&s->done)) {
        LumenStats now[2] = {rig_stats(s->pair.host), rig_stats(s->pair.client)};
        for (int i = 0; i < 2; i++) {
            assert_true(now[i].packets_sent >= before[i].packets_sent);
            assert_true(now[i].bytes_received >= before[i].bytes_received);
            assert_true(now[i].frames_completed >= before[i].frames_completed);
            before[i] = now[i];
        }
        rig_info(s->pair.host);
        sched_yield();
    }
    return NULL;
}

static void run(struct stage *s)
{
    static void *(*const roles[])(void *) = {submit, send_keys, poll_input, poll_frames, watch};
    pthread_t threads[RIG_LEN(roles)];
    assert_int_equal(lumen_set_input_callback(s->pair.host, note_key, s), LUMEN_STATUS_OK);
    for (size_t i = 0; i < RIG_LEN(roles); i++)
        assert_int_equal(pthread_create(&threads[i], NULL, roles[i], s), 0);
    for (size_t i = 0; i < RIG_LEN(roles); i++) {
        if (i == 3)
            atomic_store(&s->done, true);
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(atomic_load(&s->keys), KEYS);
    assert_int_equal(atomic_load(&s->frames) + atomic_load(&s->losses), FRAMES);
    if (!s->lossy)
        assert_int_equal(atomic_load(&s->frames), FRAMES);
    rig_free(&s->pair);
}

static void a_loopback_serves_five_threads(void **state)
{
    for (size_t w = 1; w < RIG_LEN(rig_ways); w += 2) {
        struct stage s = {.pair = rig_pair(rig_ways[w])};
        s.pair.configs[0].loopback_drop_period = 11;
        s.pair.configs[0].fec_percent = s.pair.configs[1].fec_percent = 50;
        rig_loopback(&s.pair);
        run(&s);
    }
}

static void a_socket_serves_five_threads(void **state)
{
    for (size_t w = 1; w < RIG_LEN(rig_ways); w += 2) {
        struct stage s = {.pair = rig_pair(rig_ways[w]), .lossy = true};
        assert_true(rig_udp(&s.pair, "127.0.0.1:0"));
        run(&s);
    }
}

static void *free_later(void *session)
{
    lumen_session_free(session);
    return NULL;
}

static void one_end_may_go_while_the_other_is_busy(void **state)
{
    for (uint32_t i = 0; i < 60; i++) {
        struct rig_pair p = rig_pair(rig_ways[i % RIG_LEN(rig_ways)]);
        pthread_t thread;
        LumenStatus status;
        rig_loopback(&p);
        LumenSession *goes = i % 2 ? p.host : p.client;
        assert_int_equal(pthread_create(&thread, NULL, free_later, goes), 0);
        do {
            LumenFrame f;
            status = i % 2 ? lumen_client_poll_frame(p.client, &f) : rig_submit(p.host, 5000, 1);
            assert_true(status == LUMEN_STATUS_OK || status == LUMEN_STATUS_NO_FRAME ||
                        status == LUMEN_STATUS_CLOSED);
            if (i % 2)
                lumen_session_wait(p.client, 100);
        } while (status != LUMEN_STATUS_CLOSED);
        pthread_join(thread, NULL);
        lumen_session_free(i % 2 ? p.client : p.host);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loopback_serves_five_threads),
        cmocka_unit_test(a_socket_serves_five_threads),
        cmocka_unit_test(one_end_may_go_while_the_other_is_busy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
