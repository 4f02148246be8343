/* Input, client to host: exactly once, in order, through losses; and what callbacks may do. */
#include "rig.h"

#include <unistd.h>

enum { KEPT = 4096 };

/* What the host was told. */
struct record {
    LumenInputEvent events[KEPT];
    size_t count;
    LumenSession *host;
    int32_t answers[8]; /* of what the callback tried */
    bool frees;
};

static void note(const LumenInputEvent *event, void *user)
{
    struct record *r = user;
    assert_true(r->count < KEPT);
    r->events[r->count++] = *event;
}

static LumenInputEvent key(uint32_t code, int32_t down)
{
    LumenInputEvent e;
    memset(&e, 0, sizeof e);
    e.type = LUMEN_INPUT_KEY;
    e.code = code;
    e.value = down;
    return e;
}

static LumenInputEvent by(uint32_t type, int32_t x, int32_t y)
{
    LumenInputEvent e;
    memset(&e, 0, sizeof e);
    e.type = type;
    e.x = x;
    e.y = y;
    return e;
}

static LumenInputEvent text(const char *s)
{
    LumenInputEvent e;
    memset(&e, 0, sizeof e);
    e.type = LUMEN_INPUT_TEXT;
    strncpy(e.text, s, sizeof e.text - 1);
    return e;
}

static void send(LumenSession *client, LumenInputEvent event)
{
    assert_int_equal(lumen_send_input(client, &event), LUMEN_STATUS_OK);
}

static void expect(const struct record *r, size_t at, LumenInputEvent event)
{
    assert_true(at < r->count);
    assert_memory_equal(&r->events[at], &event, sizeof event);
}

static void listen_to(struct rig_pair *p, struct record *r)
{
    memset(r, 0, sizeof *r);
    r->host = p->host;
    assert_int_equal(lumen_set_input_callback(p->host, note, r), LUMEN_STATUS_OK);
}

static struct record record;

static void events_arrive_once_and_in_order(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        rig_loopback(&p);
        listen_to(&p, &record);
        const LumenInputEvent events[] = {
            key(30, 1),           by(LUMEN_INPUT_MOTION, -5, 7),
            key(30, 0),           by(LUMEN_INPUT_POSITION, 65535, 0),
            text("\xe2\x82\xac"), by(LUMEN_INPUT_SCROLL, 0, -120),
            key(767, 1),
        };
        for (size_t i = 0; i < RIG_LEN(events); i++)
            send(p.client, events[i]);
        assert_int_equal(lumen_host_poll_input(p.host), RIG_LEN(events));
        assert_int_equal(record.count, RIG_LEN(events));
        for (size_t i = 0; i < RIG_LEN(events); i++)
            expect(&record, i, events[i]);
        assert_int_equal(lumen_host_poll_input(p.host), 0);
        rig_free(&p);
    }
}

/* Each event's datagram but the last is lost: the last one carries all, movement summed up. */
static void a_later_datagram_brings_what_was_lost(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[5]);
    p.configs[1].loopback_drop_period = 2; /* the second and fourth */
    rig_loopback(&p);
    listen_to(&p, &record);
    send(p.client, by(LUMEN_INPUT_MOTION, 3, 3));
    send(p.client, by(LUMEN_INPUT_MOTION, 10, 0)); /* lost */
    assert_int_equal(lumen_host_poll_input(p.host), 1);
    send(p.client, key(30, 1));
    send(p.client, by(LUMEN_INPUT_MOTION, 1, -1)); /* lost */
    send(p.client, key(30, 0));
    assert_int_equal(lumen_host_poll_input(p.host), 4);
    expect(&record, 0, by(LUMEN_INPUT_MOTION, 3, 3));
    expect(&record, 1, by(LUMEN_INPUT_MOTION, 10, 0));
    expect(&record, 2, key(30, 1));
    expect(&record, 3, by(LUMEN_INPUT_MOTION, 1, -1));
    expect(&record, 4, key(30, 0));
    rig_free(&p);
}

/* Half of everything is lost both ways, acknowledgements too: repeated by poll_frame. */
static void all_arrives_though_half_is_lost(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        LumenFrame f;
        p.configs[0].loopback_drop_period = 2;
        rig_loopback(&p);
        listen_to(&p, &record);
        for (uint32_t i = 0; i < 200; i++) {
            send(p.client, key(1 + i, i % 2 ? 0 : 1));
            if (i % 10 == 0)
                lumen_host_poll_input(p.host);
            lumen_client_poll_frame(p.client, &f);
        }
        for (int rounds = 0; record.count < 200 && rounds < 100; rounds++) {
            assert_int_equal(lumen_session_wait(p.client, 100), LUMEN_STATUS_OK);
            lumen_client_poll_frame(p.client, &f);
            lumen_host_poll_input(p.host);
        }
        assert_int_equal(record.count, 200);
        for (uint32_t i = 0; i < 200; i++)
            expect(&record, i, key(1 + i, i % 2 ? 0 : 1));
        rig_free(&p);
    }
}

static void input_is_repeated_until_acknowledged_and_no_longer(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[5]);
    LumenFrame f;
    rig_loopback(&p);
    listen_to(&p, &record);
    send(p.client, key(30, 1));
    uint64_t sent = rig_stats(p.client).packets_sent;
    assert_int_equal(lumen_session_wait(p.client, 1000), LUMEN_STATUS_OK); /* 20 ms */
    lumen_client_poll_frame(p.client, &f);
    assert_int_equal(rig_stats(p.client).packets_sent, sent + 1);
    assert_int_equal(lumen_host_poll_input(p.host), 1);
    lumen_client_poll_frame(p.client, &f); /* takes the acknowledgement */
    sent = rig_stats(p.client).packets_sent;
    for (int i = 0; i < 3; i++) {
        lumen_session_wait(p.client, 25);
        lumen_client_poll_frame(p.client, &f);
    }
    assert_int_equal(rig_stats(p.client).packets_sent, sent);
    assert_int_equal(record.count, 1);
    rig_free(&p);
}

static void at_most_256_edges_wait(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[0]);
    LumenInputEvent one_more = key(2, 1);
    LumenFrame f;
    rig_loopback(&p);
    listen_to(&p, &record);
    for (uint32_t i = 0; i < 256; i++)
        send(p.client, key(1, i % 2));
    assert_int_equal(lumen_send_input(p.client, &one_more), LUMEN_STATUS_FULL);
    send(p.client, by(LUMEN_INPUT_MOTION, 1, 1)); /* takes no room */
    for (int i = 0; record.count < 257 && i < 100; i++) {
        lumen_host_poll_input(p.host);
        lumen_session_wait(p.client, 100);
        lumen_client_poll_frame(p.client, &f);
    }
    assert_int_equal(record.count, 257);
    send(p.client, one_more);
    assert_int_equal(lumen_host_poll_input(p.host), 1);
    rig_free(&p);
}

static void input_waits_for_a_callback(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[2]);
    rig_loopback(&p);
    send(p.client, key(30, 1));
    assert_int_equal(lumen_host_poll_input(p.host), 0);
    listen_to(&p, &record);
    assert_int_equal(lumen_host_poll_input(p.host), 1);
    assert_int_equal(lumen_set_input_callback(p.host, NULL, NULL), LUMEN_STATUS_OK);
    send(p.client, key(30, 0));
    assert_int_equal(lumen_host_poll_input(p.host), 0);
    assert_int_equal(record.count, 1);
    rig_free(&p);
}

static void input_goes_over_udp(void **state)
{
    for (size_t w = 0; w < RIG_LEN(rig_ways); w++) {
        struct rig_pair p = rig_pair(rig_ways[w]);
        LumenFrame f;
        assert_true(rig_udp(&p, "127.0.0.1:0"));
        listen_to(&p, &record);
        for (uint32_t i = 1; i <= 40; i++) {
            send(p.client, key(i, 1));
            assert_int_equal(lumen_session_wait(p.host, 5000), LUMEN_STATUS_OK);
            assert_int_equal(lumen_host_poll_input(p.host), 1);
            rig_submit(p.host, 2000, i);
            rig_expect(p.client, 2000, i);
        }
        assert_int_equal(record.count, 40);
        lumen_client_poll_frame(p.client, &f);
        assert_int_equal(rig_stats(p.client).packets_dropped, 0);
        assert_int_equal(rig_stats(p.host).packets_dropped, 0);
        rig_free(&p);
    }
}

static void a_freed_end_closes_input(void **state)
{
    struct rig_pair p = rig_pair(rig_ways[3]);
    LumenInputEvent event = key(30, 1);
    rig_loopback(&p);
    listen_to(&p, &record);
    send(p.client, event);
    lumen_session_free(p.client);
    assert_int_equal(lumen_host_poll_input(p.host), 1);
    assert_int_equal(lumen_host_poll_input(p.host), LUMEN_STATUS_CLOSED);
    lumen_session_free(p.host);
    p = rig_pair(rig_ways[3]);
    rig_loopback(&p);
    lumen_session_free(p.host);
    assert_int_equal(lumen_send_input(p.client, &event), LUMEN_STATUS_CLOSED);
    lumen_session_free(p.client);
}

static void try_everything(const LumenInputEvent *event, void *user)
{
    struct record *r = user;
    LumenStats stats;
    note(event, user);
    r->answers[0] = lumen_host_poll_input(r->host);
    r->answers[1] = lumen_set_input_callback(r->host, note, r);
    r->answers[2] = lumen_session_wait(r->host, 0);
    r->answers[3] = lumen_host_submit_frame(r->host, (const uint8_t *)"x", 1, 0, 0);
    r->answers[4] = lumen_get_stats(r->host, &stats);
    if (r->frees) {
        lumen_session_free(r->host);
        r->answers[5] = lumen_get_stats(r->host, &stats);
        lumen_session_free(r->host);
    }
}

static void calls_from_the_callback_are_defined(void **state)
{
    for (int frees = 0; frees < 2; frees++) {
        struct rig_pair p = rig_pair(rig_ways[5]);
        rig_loopback(&p);
        listen_to(&p, &record);
        record.frees = frees;
        lumen_set_input_callback(p.host, try_everything, &record);
        send(p.client, key(30, 1));
        send(p.client, key(30, 0));
        assert_int_equal(lumen_host_poll_input(p.host), frees ? 1 : 2);
        assert_int_equal(record.count, frees ? 1 : 2);
        assert_int_equal(record.answers[0], LUMEN_STATUS_BUSY);
        assert_int_equal(record.answers[1], LUMEN_STATUS_BUSY);
        assert_int_equal(record.answers[2], LUMEN_STATUS_BUSY);
        assert_int_equal(record.answers[3], LUMEN_STATUS_OK);
        assert_int_equal(record.answers[4], LUMEN_STATUS_OK);
        assert_int_equal(record.answers[5], frees ? LUMEN_STATUS_CLOSED : 0);
        assert_int_equal(lumen_host_poll_input(p.host), frees ? LUMEN_STATUS_CLOSED : 0);
        LumenFrame f;
        assert_int_equal(lumen_client_poll_frame(p.client, &f), LUMEN_STATUS_OK);
        rig_free(&p);
    }
}

static void what_a_replay_brings_is_not_dispatched_again(void **state)
{
    /* A second client with the same key, one event behind, repeats numbers that were used. */
    struct rig_pair p = rig_pair(rig_ways[5]);
    assert_true(rig_udp(&p, "127.0.0.1:0"));
    listen_to(&p, &record);
    send(p.client, key(30, 1));
    assert_int_equal(lumen_session_wait(p.host, 5000), LUMEN_STATUS_OK);
    assert_int_equal(lumen_host_poll_input(p.host), 1);
    LumenSession *twin = lumen_session_new(&p.configs[1], "127.0.0.1:0", rig_info(p.host).local);
    assert_int_equal(lumen_session_set_peer(p.host, rig_info(twin).local), LUMEN_STATUS_OK);
    send(twin, key(30, 1));
    assert_int_equal(lumen_session_wait(p.host, 5000), LUMEN_STATUS_OK);
    assert_int_equal(lumen_host_poll_input(p.host), 0);
    assert_int_equal(rig_stats(p.host).packets_dropped, 1);
    assert_int_equal(record.count, 1);
    lumen_session_free(twin);
    rig_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_arrive_once_and_in_order),
        cmocka_unit_test(a_later_datagram_brings_what_was_lost),
        cmocka_unit_test(all_arrives_though_half_is_lost),
        cmocka_unit_test(input_is_repeated_until_acknowledged_and_no_longer),
        cmocka_unit_test(at_most_256_edges_wait),
        cmocka_unit_test(input_waits_for_a_callback),
        cmocka_unit_test(input_goes_over_udp),
        cmocka_unit_test(a_freed_end_closes_input),
        cmocka_unit_test(calls_from_the_callback_are_defined),
        cmocka_unit_test(what_a_replay_brings_is_not_dispatched_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
