/* Frames into a socket that is full at times. The socket's sending and waiting, and the clock, are
 * this file's: the linker puts them in place of the real ones. */
#include "core/base/check.h"
#include "core/base/time.h"
#include "core/transport/udp.h"
#include "lumen_core.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { SHARD = 1024, RTP_SEQUENCE = 2, FRAME = 200000, DATAGRAMS = 196 + 40 };

static struct {
    uint64_t now_ns;
    uint32_t room;     /* datagrams that are taken before it is full */
    uint64_t opens_ns; /* when it has room again; 0: it stays full */
    uint32_t more;     /* the room it has then, each `every_ns` */
    uint64_t every_ns;
    int error;
    uint32_t taken, waits;
    uint64_t waited_ns;
} net;

int __wrap_lm_udp_send_batch(struct lm_udp *u, const struct lm_udp_route *route,
                             const struct lm_batch *batch);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms);
int __wrap_clock_gettime(clockid_t clock, struct timespec *out);

int __wrap_lm_udp_send_batch(struct lm_udp *u, const struct lm_udp_route *route,
                             const struct lm_batch *batch)
{
    if (net.error)
        return net.error;
    uint32_t n = LM_MIN(net.room, batch->segments);
    for (uint32_t i = 0; i < n; i++) { /* each comes once, in order */
        const uint8_t *sequence = batch->data + i * batch->segment_bytes + RTP_SEQUENCE;
        assert_int_equal(sequence[0] << 8 | sequence[1], net.taken++);
    }
    net.room -= n;
    return n ? (int)n : LM_EAGAIN;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout_ms)
{
    assert_int_equal(count, 1);
    assert_int_equal(fds->events, POLLOUT);
    assert_in_range(timeout_ms, 1, LUMEN_SEND_WAIT_MS + 1);
    uint64_t from_ns = net.now_ns, until_ns = from_ns + (uint64_t)timeout_ms * LM_NS_PER_MS;
    bool opens = net.opens_ns && net.opens_ns <= until_ns;
    net.waits++;
    net.now_ns = opens ? net.opens_ns : until_ns;
    net.waited_ns += net.now_ns - from_ns;
    if (opens) {
        net.room = net.more;
        net.opens_ns += net.every_ns;
    }
    return opens;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *out)
{
    assert_int_equal(clock, CLOCK_MONOTONIC);
    *out = (struct timespec){(time_t)(net.now_ns / LM_NS_PER_S), (long)(net.now_ns % LM_NS_PER_S)};
    return 0;
}

static LumenSession *open_host(void)
{
    LumenConfig config = {.struct_size = sizeof config,
                          .role = LUMEN_ROLE_HOST,
                          .phase = LUMEN_PHASE_GAMESTREAM,
                          .fec_percent = 20,
                          .shard_payload = SHARD,
                          .max_frame_bytes = FRAME};
    LumenSession *host;
    memset(&net, 0, sizeof net);
    net.now_ns = LM_NS_PER_S;
    assert_int_equal(lumen_session_open(&config, "127.0.0.1:0", "127.0.0.1:9", &host),
                     LUMEN_STATUS_OK);
    return host;
}

static LumenStatus submit(LumenSession *host)
{
    static const uint8_t data[FRAME];
    return lumen_host_submit_frame(host, data, sizeof data, net.now_ns, 0);
}

static void expect_counts(LumenSession *host, uint64_t completed, uint64_t dropped,
                          uint64_t packets_dropped)
{
    LumenStats s;
    assert_int_equal(lumen_get_stats(host, &s), LUMEN_STATUS_OK);
    assert_int_equal(s.frames_submitted, completed + dropped);
    assert_int_equal(s.frames_completed, completed);
    assert_int_equal(s.frames_dropped, dropped);
    assert_int_equal(s.packets_sent, net.taken);
    assert_int_equal(s.packets_dropped, packets_dropped);
    assert_int_equal(s.bytes_sent, (uint64_t)net.taken * (SHARD + 32));
}

static void a_socket_with_room_is_not_waited_for(void **state)
{
    LumenSession *host = open_host();
    net.room = 2 * DATAGRAMS;
    assert_int_equal(submit(host), LUMEN_STATUS_OK);
    assert_int_equal(net.taken, DATAGRAMS);
    assert_int_equal(net.waits, 0);
    expect_counts(host, 1, 0, 0);
    lumen_session_free(host);
}

/* Full in the midst of a batch, between two, and again and again. */
static void what_a_full_socket_left_is_sent_when_there_is_room(void **state)
{
    static const struct {
        uint32_t room, more, waits;
    } cases[] = {{0, DATAGRAMS, 1}, {7, DATAGRAMS, 1}, {62, DATAGRAMS, 1}, {100, 34, 4}};
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        LumenSession *host = open_host();
        net.room = cases[i].room;
        net.more = cases[i].more;
        net.every_ns = 4 * LM_NS_PER_MS;
        net.opens_ns = net.now_ns + net.every_ns;
        assert_int_equal(submit(host), LUMEN_STATUS_OK);
        assert_int_equal(net.taken, DATAGRAMS);
        assert_int_equal(net.waits, cases[i].waits);
        assert_int_equal(net.waited_ns, cases[i].waits * net.every_ns);
        expect_counts(host, 1, 0, 0);
        lumen_session_free(host);
    }
}

/* In all, however often a few datagrams find room meanwhile. */
static void a_frame_waits_no_longer_than_it_may(void **state)
{
    static const struct {
        uint32_t room, more, taken;
    } cases[] = {{0, 0, 0}, {10, 0, 10}, {200, 0, 200}, {10, 1, 10 + 5}};
    for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
        LumenSession *host = open_host();
        net.room = cases[i].room;
        net.more = cases[i].more;
        net.every_ns = 4 * LM_NS_PER_MS;
        net.opens_ns = net.more ? net.now_ns + net.every_ns : 0;
        assert_int_equal(submit(host), LUMEN_STATUS_FULL);
        assert_int_equal(net.taken, cases[i].taken);
        assert_true(net.waited_ns >= LUMEN_SEND_WAIT_MS * LM_NS_PER_MS);
        assert_true(net.waited_ns <= (LUMEN_SEND_WAIT_MS + 1) * LM_NS_PER_MS);
        expect_counts(host, 0, 1, DATAGRAMS - cases[i].taken);

        net.waits = 0; /* the next frame finds nothing of this one in its way */
        net.room = DATAGRAMS;
        net.taken = DATAGRAMS;
        assert_int_equal(submit(host), LUMEN_STATUS_OK);
        assert_int_equal(net.taken, 2 * DATAGRAMS);
        assert_int_equal(net.waits, 0);
        lumen_session_free(host);
    }
}

static void a_broken_socket_is_not_waited_for(void **state)
{
    LumenSession *host = open_host();
    net.error = LM_EIO;
    assert_int_equal(submit(host), LUMEN_STATUS_IO);
    assert_int_equal(net.waits, 0);
    expect_counts(host, 0, 1, DATAGRAMS);
    lumen_session_free(host);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_with_room_is_not_waited_for),
        cmocka_unit_test(what_a_full_socket_left_is_sent_when_there_is_room),
        cmocka_unit_test(a_frame_waits_no_longer_than_it_may),
        cmocka_unit_test(a_broken_socket_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
