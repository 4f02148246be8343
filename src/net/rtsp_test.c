#include "net/rtsp_client.h"
#include "net/rtsp_server.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/test_kit.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct loop *loop;
    struct rtsp_server *server;
    int calls;
    size_t longest;
    struct net_addr peer;
};

/* Complete at an empty line; "DROP" is refused; the answer is fixed. */
static int on_bytes(void *user, const struct rtsp_conn *conn, const uint8_t *data,
                    size_t size_bytes, struct rtsp_answer *answer)
{
    struct fixture *f = user;
    static const char text[] = "RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n";

    f->calls++;
    f->longest = size_bytes;
    f->peer = conn->peer;
    if (size_bytes < 4 || memcmp(data + size_bytes - 4, "\r\n\r\n", 4) != 0)
        return RTSP_MORE;
    if (memcmp(data, "DROP", 4) == 0)
        return LM_EAUTH;
    memcpy(answer->data, text, sizeof text - 1);
    answer->size_bytes = sizeof text - 1;
    return RTSP_ANSWER;
}

static void start(struct fixture *f, struct rtsp_server_params params)
{
    *f = (struct fixture){.loop = loop_create(NULL)};
    params.listen.loopback_only = true;
    params.on_bytes = on_bytes;
    params.user = f;
    assert_int_equal(rtsp_server_create(&f->server, f->loop, &params), LM_OK);
}

static void stop(struct fixture *f)
{
    rtsp_server_destroy(f->server);
    loop_destroy(f->loop);
}

static const char request[] = "OPTIONS rtsp://127.0.0.1 RTSP/1.0\r\nCSeq: 1\r\n\r\n";

struct call {
    struct rtsp_call_params params;
    uint8_t answer[256];
    int rc;
};

static void do_call(void *arg)
{
    struct call *c = arg;

    c->rc = rtsp_call(&c->params, c->answer, sizeof c->answer);
}

static int call(struct fixture *f, const char *host, const char *text)
{
    struct call c = {.params = {.host = host,
                                .port = rtsp_server_port(f->server),
                                .request = (const uint8_t *)text,
                                .request_bytes = strlen(text)}};

    test_call_while_looping(f->loop, do_call, &c);
    return c.rc;
}

static void one_request_gets_one_answer_over_both_families(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "::1"};
    struct fixture f;

    start(&f, (struct rtsp_server_params){0});
    for (size_t i = 0; i < LM_ARRAY_LEN(hosts); i++) {
        assert_int_equal(call(&f, hosts[i], request), 28);
        assert_string_equal(f.peer.text, hosts[i]);
    }
    stop(&f);
}

static void refused_request_is_closed_without_a_byte(void **state)
{
    struct fixture f;

    start(&f, (struct rtsp_server_params){0});
    assert_int_equal(call(&f, "127.0.0.1", "DROP x\r\n\r\n"), LM_ECLOSED);
    stop(&f);
}

static void request_in_single_bytes_is_handled(void **state) /* gs-session 70 */
{
    struct fixture f;
    char answer[256];

    start(&f, (struct rtsp_server_params){0});
    int fd = test_connect(rtsp_server_port(f.server));
    for (size_t i = 0; i < sizeof request - 1; i++) {
        test_send(fd, request + i, 1);
        assert_int_equal(loop_step(f.loop, LM_NS_PER_MS), LM_OK);
    }
    assert_int_equal(test_read_to_end(f.loop, fd, answer, sizeof answer), 28);
    assert_true(f.calls > 10);
    assert_int_equal(f.longest, sizeof request - 1);
    close(fd);
    stop(&f);
}

/* Bytes beyond the request, and a client that closes late, must not turn FIN into RST. */
static void connection_ends_with_fin_and_never_rst(void **state) /* gs-session 69 */
{
    struct fixture f;
    char answer[256];
    int error = -1;
    socklen_t size = sizeof error;

    start(&f, (struct rtsp_server_params){.drain_timeout_ns = 60 * LM_NS_PER_MS});
    int fd = test_connect(rtsp_server_port(f.server));
    test_send(fd, request, sizeof request - 1);
    while (f.calls == 0)
        assert_int_equal(loop_step(f.loop, LM_NS_PER_MS), LM_OK);
    test_send(fd, "surplus", 7);
    assert_int_equal(test_read_to_end(f.loop, fd, answer, sizeof answer), 28);
    assert_int_equal(rtsp_server_open_count(f.server), 1);
    test_loop_for(f.loop, 120 * LM_NS_PER_MS);
    assert_int_equal(rtsp_server_open_count(f.server), 0);
    assert_int_equal(recv(fd, answer, sizeof answer, MSG_DONTWAIT), 0);
    assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size), 0);
    assert_int_equal(error, 0);
    close(fd);
    stop(&f);
}

static void client_that_ends_its_side_first_still_gets_the_answer(void **state)
{
    struct fixture f;
    char answer[256];

    start(&f, (struct rtsp_server_params){0});
    int fd = test_connect(rtsp_server_port(f.server));
    test_send(fd, request, sizeof request - 1);
    shutdown(fd, SHUT_WR);
    assert_int_equal(test_read_to_end(f.loop, fd, answer, sizeof answer), 28);
    close(fd);
    stop(&f);
}

static void connect_and_close_is_a_non_event(void **state) /* gs-session 22 */
{
    struct fixture f;

    start(&f, (struct rtsp_server_params){0});
    for (int i = 0; i < 40; i++) {
        close(test_connect(rtsp_server_port(f.server)));
        assert_int_equal(loop_step(f.loop, LM_NS_PER_MS), LM_OK);
    }
    assert_int_equal(call(&f, "127.0.0.1", request), 28);
    assert_int_equal(f.calls, 1);
    stop(&f);
}

static void endless_request_is_closed_at_the_size_limit(void **state)
{
    static char flood[RTSP_REQUEST_MAX_BYTES + 1];
    struct fixture f;

    start(&f, (struct rtsp_server_params){0});
    memset(flood, 'x', sizeof flood);
    int fd = test_connect(rtsp_server_port(f.server));
    test_send(fd, flood, sizeof flood);
    assert_true(test_is_closed_within(f.loop, fd, 5 * LM_NS_PER_S));
    assert_true(f.longest <= RTSP_REQUEST_MAX_BYTES);
    close(fd);
    stop(&f);
}

static void trickling_client_is_closed_at_its_deadline(void **state)
{
    struct fixture f;
    bool closed = false;

    start(&f, (struct rtsp_server_params){.read_timeout_ns = 50 * LM_NS_PER_MS});
    int fd = test_connect(rtsp_server_port(f.server));
    uint64_t deadline_ns = lm_clock_now_ns() + 5 * LM_NS_PER_S;
    while (!closed && lm_clock_now_ns() < deadline_ns) {
        (void)!send(fd, "x", 1, MSG_NOSIGNAL);
        closed = test_is_closed_within(f.loop, fd, 10 * LM_NS_PER_MS);
    }
    assert_true(closed);
    close(fd);
    stop(&f);
}

static void one_address_cannot_take_all_connections(void **state)
{
    struct fixture f;
    int fds[3];

    start(&f, (struct rtsp_server_params){.max_connections = 8, .max_connections_per_address = 2});
    for (size_t i = 0; i < LM_ARRAY_LEN(fds); i++)
        fds[i] = test_connect(rtsp_server_port(f.server));
    assert_true(test_is_closed_within(f.loop, fds[2], 5 * LM_NS_PER_S));
    assert_int_equal(rtsp_server_open_count(f.server), 2);
    assert_int_equal(call(&f, "::1", request), 28);
    for (size_t i = 0; i < LM_ARRAY_LEN(fds); i++)
        close(fds[i]);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_gets_one_answer_over_both_families),
        cmocka_unit_test(refused_request_is_closed_without_a_byte),
        cmocka_unit_test(request_in_single_bytes_is_handled),
        cmocka_unit_test(connection_ends_with_fin_and_never_rst),
        cmocka_unit_test(client_that_ends_its_side_first_still_gets_the_answer),
        cmocka_unit_test(connect_and_close_is_a_non_event),
        cmocka_unit_test(endless_request_is_closed_at_the_size_limit),
        cmocka_unit_test(trickling_client_is_closed_at_its_deadline),
        cmocka_unit_test(one_address_cannot_take_all_connections),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
