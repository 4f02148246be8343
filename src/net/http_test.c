#include "net/http_client.h"
#include "net/http_server.h"

#include "core/base/check.h"
#include "core/transport/clock.h"
#include "net/test_kit.h"

#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct test_identity host_id, client_id, expired_id;

struct fixture {
    struct loop *loop;
    struct http_server *server;
    struct http_exchange *parked;
    bool is_parked, is_gone;
    int handled;
    /* Of the last request. */
    char method[16], path[64], peer[NET_ADDR_TEXT_MAX], local[NET_ADDR_TEXT_MAX];
    size_t query_bytes, body_bytes, cert_bytes;
    bool cert_is_clients, secure;
};

static void handle(void *user, struct http_exchange *x, const struct http_request *request)
{
    struct fixture *f = user;
    static char large[200 * 1024];

    f->handled++;
    snprintf(f->method, sizeof f->method, "%s", request->method);
    snprintf(f->path, sizeof f->path, "%s", request->path);
    snprintf(f->peer, sizeof f->peer, "%s", request->peer.text);
    snprintf(f->local, sizeof f->local, "%s", request->local.text);
    f->query_bytes = strlen(request->query);
    f->body_bytes = request->body_bytes;
    f->secure = request->secure;
    f->cert_bytes = request->client_cert_der_bytes;
    f->cert_is_clients = f->cert_bytes == client_id.der_bytes &&
                         memcmp(request->client_cert_der, client_id.der, client_id.der_bytes) == 0;
    if (strcmp(request->path, "/park") == 0) {
        f->parked = x;
        f->is_parked = true;
        return;
    }
    if (strcmp(request->path, "/large") == 0) {
        http_exchange_answer(x, 200, "image/png", large, sizeof large);
        return;
    }
    http_exchange_add_header(x, "X-Evil", "a\r\nInjected: 1");
    http_exchange_answer(x, 200, "text/xml", "<root/>", 7);
}

static void gone(void *user, struct http_exchange *x)
{
    struct fixture *f = user;

    assert_ptr_equal(x, f->parked);
    assert_string_equal(http_exchange_request(x)->path, "/park");
    f->parked = NULL;
    f->is_gone = true;
}

static void start(struct fixture *f, bool secure, struct http_server_params params)
{
    *f = (struct fixture){.loop = loop_create(NULL)};
    params.listen.loopback_only = true;
    params.cert_pem = secure ? host_id.cert_pem : NULL;
    params.key_pem = secure ? host_id.key_pem : NULL;
    params.handle = handle;
    params.gone = gone;
    params.user = f;
    assert_int_equal(http_server_create(&f->server, f->loop, &params), LM_OK);
}

static void stop(struct fixture *f)
{
    http_server_destroy(f->server);
    loop_destroy(f->loop);
}

struct get {
    struct http_get_params params;
    struct http_response response;
    int rc;
};

static void do_get(void *arg)
{
    struct get *g = arg;

    g->rc = http_get(&g->params, &g->response);
}

/* The result code; the status when that is LM_OK. */
static int get(struct fixture *f, struct http_get_params params)
{
    struct get g = {.params = params};

    if (!g.params.host)
        g.params.host = "127.0.0.1";
    if (!g.params.port)
        g.params.port = http_server_port(f->server);
    test_call_while_looping(f->loop, do_get, &g);
    int result = g.rc == LM_OK ? g.response.status : g.rc;
    if (g.rc == LM_OK && params.secure) {
        assert_int_equal(g.response.server_cert_der_bytes, host_id.der_bytes);
        assert_memory_equal(g.response.server_cert_der, host_id.der, host_id.der_bytes);
    }
    http_response_finish(&g.response);
    return result;
}

static void plain_request_arrives_as_sent(void **state)
{
    struct fixture f;

    start(&f, false, (struct http_server_params){0});
    assert_int_equal(get(&f, (struct http_get_params){.target = "/a%20b?x=%41&y"}), 200);
    assert_string_equal(f.method, "GET");
    assert_string_equal(f.path, "/a%20b");
    assert_int_equal(f.query_bytes, strlen("x=%41&y"));
    assert_string_equal(f.peer, "127.0.0.1");
    assert_string_equal(f.local, "127.0.0.1");
    assert_false(f.secure);
    assert_int_equal(get(&f, (struct http_get_params){.target = "/", .host = "::1"}), 200);
    assert_string_equal(f.peer, "::1");
    stop(&f);
}

/* The handshake succeeds with any certificate and with none; the caller gets the exact bytes. */
/* gs-session 8, 9, 46 */
static void client_certificate_is_handed_over_and_never_judged(void **state)
{
    struct fixture f;

    start(&f, true, (struct http_server_params){0});
    assert_int_equal(get(&f, (struct http_get_params){.target = "/", .secure = true}), 200);
    assert_int_equal(f.cert_bytes, 0);
    assert_true(f.secure);
    struct http_get_params params = {.target = "/",
                                     .secure = true,
                                     .cert_pem = client_id.cert_pem,
                                     .key_pem = client_id.key_pem,
                                     .pin_der = host_id.der,
                                     .pin_der_bytes = host_id.der_bytes};
    assert_int_equal(get(&f, params), 200);
    assert_true(f.cert_is_clients);
    params.cert_pem = expired_id.cert_pem;
    params.key_pem = expired_id.key_pem;
    assert_int_equal(get(&f, params), 200);
    assert_int_equal(f.cert_bytes, expired_id.der_bytes);
    stop(&f);
}

static void wrong_server_certificate_is_refused_before_the_request(void **state)
{
    struct fixture f;

    start(&f, true, (struct http_server_params){0});
    const struct http_get_params params = {.target = "/?secret=1",
                                           .secure = true,
                                           .pin_der = client_id.der,
                                           .pin_der_bytes = client_id.der_bytes};
    assert_int_equal(get(&f, params), LM_EAUTH);
    assert_int_equal(f.handled, 0);
    stop(&f);
}

static void request_line_of_16000_bytes_is_accepted(void **state) /* gs-session 20 */
{
    static char target[16000 + 1];
    struct fixture f;

    memset(target, 'a', sizeof target - 1);
    memcpy(target, "/serverinfo?", 12);
    for (int secure = 0; secure < 2; secure++) {
        start(&f, secure, (struct http_server_params){0});
        assert_int_equal(get(&f, (struct http_get_params){.target = target, .secure = secure}),
                         200);
        assert_int_equal(f.query_bytes, 16000 - 12);
        stop(&f);
    }
}

static void request_above_the_header_limit_is_refused(void **state)
{
    static char target[HTTP_REQUEST_LINE_MAX_BYTES + 1000];
    struct fixture f;

    memset(target, 'a', sizeof target - 1);
    target[0] = '/';
    start(&f, false, (struct http_server_params){0});
    int rc = get(&f, (struct http_get_params){.target = target});
    assert_true(rc < 0 || rc >= 400);
    assert_int_equal(f.handled, 0);
    assert_int_equal(get(&f, (struct http_get_params){.target = "/"}), 200);
    stop(&f);
}

static void connect_and_close_is_a_non_event(void **state) /* gs-session 22 */
{
    struct fixture f;

    for (int secure = 0; secure < 2; secure++) {
        start(&f, secure, (struct http_server_params){0});
        for (int i = 0; i < 40; i++) {
            close(test_connect(http_server_port(f.server)));
            assert_int_equal(loop_step(f.loop, LM_NS_PER_MS), LM_OK);
        }
        assert_int_equal(get(&f, (struct http_get_params){.target = "/", .secure = secure}), 200);
        assert_int_equal(f.handled, 1);
        stop(&f);
    }
}

static void stalled_handshake_delays_nobody(void **state) /* gs-session 23 */
{
    static const uint8_t half_hello[] = {0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00};
    struct fixture f;
    int stuck[8];

    start(&f, true, (struct http_server_params){0});
    for (size_t i = 0; i < LM_ARRAY_LEN(stuck); i++) {
        stuck[i] = test_connect(http_server_port(f.server));
        test_send(stuck[i], half_hello, sizeof half_hello);
    }
    test_loop_for(f.loop, 5 * LM_NS_PER_MS);
    uint64_t start_ns = lm_clock_now_ns();
    assert_int_equal(get(&f, (struct http_get_params){.target = "/", .secure = true}), 200);
    assert_true(lm_clock_now_ns() - start_ns < LM_NS_PER_S);
    for (size_t i = 0; i < LM_ARRAY_LEN(stuck); i++)
        close(stuck[i]);
    stop(&f);
}

static void unfinished_request_is_closed_at_its_deadline(void **state)
{
    struct http_server_stats stats;
    struct fixture f;

    for (int secure = 0; secure < 2; secure++) {
        start(&f, secure, (struct http_server_params){.read_timeout_ns = 60 * LM_NS_PER_MS});
        int fd = test_connect(http_server_port(f.server));
        test_send(fd, "GET / HT", 8);
        assert_true(test_is_closed_within(f.loop, fd, 5 * LM_NS_PER_S));
        close(fd);
        test_loop_for(f.loop, 5 * LM_NS_PER_MS);
        http_server_stats(f.server, &stats);
        assert_int_equal(stats.open, 0);
        stop(&f);
    }
}

static void each_answer_is_followed_by_close(void **state) /* gs-session 17 */
{
    static const char request[] = "GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\n\r\n"
                                  "GET /second HTTP/1.1\r\nHost: h\r\n\r\n";
    struct fixture f;
    char answer[2048];

    start(&f, false, (struct http_server_params){0});
    int fd = test_connect(http_server_port(f.server));
    test_send(fd, request, sizeof request - 1);
    int size = test_read_to_end(f.loop, fd, answer, sizeof answer - 1);
    assert_true(size > 0);
    answer[size] = '\0';
    assert_non_null(strstr(answer, "HTTP/1.1 200 "));
    assert_non_null(strstr(answer, "Connection: close\r\n"));
    assert_non_null(strstr(answer, "Content-Length: 7\r\n"));
    assert_non_null(strstr(answer, "Content-Type: text/xml\r\n"));
    assert_null(strstr(answer, "keep-alive"));
    assert_null(strstr(answer, "chunked"));
    assert_null(strstr(answer, "Injected"));
    assert_string_equal(strstr(answer, "\r\n\r\n"), "\r\n\r\n<root/>");
    assert_int_equal(f.handled, 1);
    close(fd);
    stop(&f);
}

static void odd_requests_leave_the_server_working(void **state)
{
    static const char *const rows[] = {
        "\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n",
        "CONNECT h:1 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "GET nonsense HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET http://h/abs HTTP/1.1\r\nHost: h\r\nProxy-Connection: keep-alive\r\n\r\n",
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\nx",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    struct fixture f;
    char answer[4096];

    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        start(&f, false, (struct http_server_params){.read_timeout_ns = 100 * LM_NS_PER_MS});
        int fd = test_connect(http_server_port(f.server));
        test_send(fd, rows[i], strlen(rows[i]));
        (void)test_read_to_end(f.loop, fd, answer, sizeof answer);
        close(fd);
        assert_int_equal(get(&f, (struct http_get_params){.target = "/"}), 200);
        stop(&f);
    }
}

static void other_methods_and_small_bodies_reach_the_handler(void **state)
{
    static const char request[] = "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    struct fixture f;
    char answer[1024];

    start(&f, false, (struct http_server_params){0});
    int fd = test_connect(http_server_port(f.server));
    test_send(fd, request, sizeof request - 1);
    assert_true(test_read_to_end(f.loop, fd, answer, sizeof answer) > 0);
    assert_string_equal(f.method, "POST");
    assert_int_equal(f.body_bytes, 5);
    close(fd);
    stop(&f);
}

/* A parked request outlives the read timeout, survives bytes it did not expect, and others are
 * served meanwhile. */
static void parked_exchange_is_answered_later(void **state) /* gs-session 24 */
{
    static const char request[] = "GET /park HTTP/1.1\r\nHost: h\r\n\r\n";
    struct fixture f;
    char answer[1024];

    start(&f, false, (struct http_server_params){.read_timeout_ns = 60 * LM_NS_PER_MS});
    int fd = test_connect(http_server_port(f.server));
    test_send(fd, request, sizeof request - 1);
    test_loop_until(f.loop, &f.is_parked);
    test_send(fd, "unexpected", 10);
    test_loop_for(f.loop, 150 * LM_NS_PER_MS);
    assert_false(f.is_gone);
    assert_int_equal(get(&f, (struct http_get_params){.target = "/"}), 200);
    http_exchange_answer(f.parked, 200, "text/xml", "later", 5);
    int size = test_read_to_end(f.loop, fd, answer, sizeof answer - 1);
    assert_true(size > 5);
    assert_memory_equal(answer + size - 5, "later", 5);
    assert_false(f.is_gone);
    close(fd);
    stop(&f);
}

static void client_that_leaves_a_parked_exchange_is_reported(void **state)
{
    static const char request[] = "GET /park HTTP/1.1\r\nHost: h\r\n\r\n";
    struct http_server_stats stats;
    struct fixture f;

    start(&f, false, (struct http_server_params){0});
    int fd = test_connect(http_server_port(f.server));
    test_send(fd, request, sizeof request - 1);
    test_loop_until(f.loop, &f.is_parked);
    close(fd);
    test_loop_until(f.loop, &f.is_gone);
    test_loop_for(f.loop, LM_NS_PER_MS);
    http_server_stats(f.server, &stats);
    assert_int_equal(stats.open, 0);
    stop(&f);
}

static void leaving_a_parked_tls_exchange_is_reported(void **state)
{
    struct fixture f;

    start(&f, true, (struct http_server_params){0});
    const struct http_get_params params = {
        .target = "/park", .secure = true, .timeout_ns = 200 * LM_NS_PER_MS};
    assert_int_equal(get(&f, params), LM_ETIMEOUT);
    test_loop_until(f.loop, &f.is_gone);
    stop(&f);
}

static void destroy_reports_what_is_parked(void **state)
{
    static const char request[] = "GET /park HTTP/1.1\r\nHost: h\r\n\r\n";
    struct fixture f;

    start(&f, false, (struct http_server_params){0});
    int fd = test_connect(http_server_port(f.server));
    test_send(fd, request, sizeof request - 1);
    test_loop_until(f.loop, &f.is_parked);
    http_server_destroy(f.server);
    assert_true(f.is_gone);
    loop_destroy(f.loop);
    close(fd);
}

static void one_address_cannot_take_all_connections(void **state)
{
    struct http_server_stats stats;
    struct fixture f;
    int fds[3];

    for (int secure = 0; secure < 2; secure++) {
        start(&f, secure,
              (struct http_server_params){.max_connections = 8, .max_connections_per_address = 2});
        for (size_t i = 0; i < LM_ARRAY_LEN(fds); i++)
            fds[i] = test_connect(http_server_port(f.server));
        assert_true(test_is_closed_within(f.loop, fds[2], 5 * LM_NS_PER_S));
        http_server_stats(f.server, &stats);
        assert_int_equal(stats.open, 2);
        assert_int_equal(stats.refused, 1);
        const struct http_get_params other = {.target = "/", .host = "::1", .secure = secure};
        assert_int_equal(get(&f, other), 200);
        for (size_t i = 0; i < LM_ARRAY_LEN(fds); i++)
            close(fds[i]);
        test_loop_for(f.loop, 5 * LM_NS_PER_MS);
        assert_int_equal(get(&f, (struct http_get_params){.target = "/", .secure = secure}), 200);
        stop(&f);
    }
}

static void large_answers_arrive_whole(void **state)
{
    struct fixture f;

    for (int secure = 0; secure < 2; secure++) {
        start(&f, secure, (struct http_server_params){0});
        struct get g = {.params = {.host = "127.0.0.1",
                                   .port = http_server_port(f.server),
                                   .target = "/large",
                                   .secure = secure}};
        test_call_while_looping(f.loop, do_get, &g);
        assert_int_equal(g.rc, LM_OK);
        assert_int_equal(g.response.body_bytes, 200 * 1024);
        http_response_finish(&g.response);
        stop(&f);
    }
}

static void client_reports_what_went_wrong(void **state)
{
    struct fixture f;

    start(&f, false, (struct http_server_params){0});
    uint16_t port = http_server_port(f.server);
    const struct http_get_params slow = {.target = "/park", .timeout_ns = 50 * LM_NS_PER_MS};
    assert_int_equal(get(&f, slow), LM_ETIMEOUT);
    const struct http_get_params bad_key = {
        .target = "/", .secure = true, .cert_pem = client_id.cert_pem, .key_pem = host_id.key_pem};
    assert_int_equal(get(&f, bad_key), LM_EINVAL);
    http_server_destroy(f.server);
    f.server = NULL;
    assert_int_equal(get(&f, (struct http_get_params){.target = "/", .port = port}), LM_ECLOSED);
    stop(&f);
}

static void mismatched_certificate_and_key_are_refused(void **state)
{
    struct loop *loop = loop_create(NULL);
    struct http_server *server;
    struct http_server_params params = {.listen.loopback_only = true,
                                        .cert_pem = host_id.cert_pem,
                                        .key_pem = client_id.key_pem,
                                        .handle = handle};

    assert_int_equal(http_server_create(&server, loop, &params), LM_EINVAL);
    params.key_pem = NULL;
    assert_int_equal(http_server_create(&server, loop, &params), LM_EINVAL);
    assert_null(server);
    loop_destroy(loop);
}

static int make_identities(void **state)
{
    test_identity_init(&host_id, 3650);
    test_identity_init(&client_id, 3650);
    test_identity_init(&expired_id, -30);
    return 0;
}

static int drop_identities(void **state)
{
    test_identity_finish(&host_id);
    test_identity_finish(&client_id);
    test_identity_finish(&expired_id);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_request_arrives_as_sent),
        cmocka_unit_test(client_certificate_is_handed_over_and_never_judged),
        cmocka_unit_test(wrong_server_certificate_is_refused_before_the_request),
        cmocka_unit_test(request_line_of_16000_bytes_is_accepted),
        cmocka_unit_test(request_above_the_header_limit_is_refused),
        cmocka_unit_test(connect_and_close_is_a_non_event),
        cmocka_unit_test(stalled_handshake_delays_nobody),
        cmocka_unit_test(unfinished_request_is_closed_at_its_deadline),
        cmocka_unit_test(each_answer_is_followed_by_close),
        cmocka_unit_test(odd_requests_leave_the_server_working),
        cmocka_unit_test(other_methods_and_small_bodies_reach_the_handler),
        cmocka_unit_test(parked_exchange_is_answered_later),
        cmocka_unit_test(client_that_leaves_a_parked_exchange_is_reported),
        cmocka_unit_test(leaving_a_parked_tls_exchange_is_reported),
        cmocka_unit_test(destroy_reports_what_is_parked),
        cmocka_unit_test(one_address_cannot_take_all_connections),
        cmocka_unit_test(large_answers_arrive_whole),
        cmocka_unit_test(client_reports_what_went_wrong),
        cmocka_unit_test(mismatched_certificate_and_key_are_refused),
    };

    return cmocka_run_group_tests(tests, make_identities, drop_identities);
}
