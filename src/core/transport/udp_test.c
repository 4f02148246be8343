/* Over the loopback interface only; what it lacks (IPv6) is skipped and said. */
#include "core/transport/udp.h"

#include "core/base/check.h"
#include "core/wire/wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

enum { SEGMENT = 1040, WAIT_MS = 2000 };

static uint8_t payload[LM_UDP_MAX_SEGMENTS * SEGMENT];

static struct lm_udp *open_on(const char *address, bool plain)
{
    struct lm_udp_config config = {.receive_messages = 8,
                                   .send_buffer_bytes = 1 << 20,
                                   .receive_buffer_bytes = 1 << 20,
                                   .no_gso = plain,
                                   .no_gro = plain};
    struct lm_udp *u;
    if (address)
        assert_int_equal(lm_address_parse(address, 0, &config.bind_to), 0);
    return lm_udp_open(&config, &u) == 0 ? u : NULL;
}

static struct lm_udp_route route_to(const struct lm_udp *u, const char *host)
{
    struct lm_udp_info info;
    struct lm_udp_route route = {.dscp = 0};
    lm_udp_get_info(u, &info);
    assert_int_equal(lm_address_parse(host, lm_address_port(&info.local), &route.to), 0);
    return route;
}

/* Takes datagrams until `count` came; their bytes follow each other in `payload`. */
static void expect_payload(struct lm_udp *u, uint32_t count, size_t last_bytes,
                           struct lm_udp_message *last)
{
    struct lm_udp_message m[8];
    uint32_t got = 0;
    while (got < count) {
        struct pollfd fd = {.fd = lm_udp_fd(u), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
        int n = lm_udp_receive(u, m, LM_ARRAY_LEN(m));
        assert_true(n >= 0);
        for (int i = 0; i < n; i++) {
            for (size_t at = 0; at < m[i].size_bytes; at += m[i].segment_bytes) {
                size_t bytes = LM_MIN(m[i].segment_bytes, m[i].size_bytes - at);
                assert_int_equal(bytes, got + 1 < count ? SEGMENT : last_bytes);
                assert_memory_equal(m[i].data + at, payload + got * SEGMENT, bytes);
                got++;
            }
            *last = m[i];
        }
    }
    assert_int_equal(got, count);
    assert_int_equal(lm_udp_receive(u, m, LM_ARRAY_LEN(m)), 0);
}

static void send_all(struct lm_udp *u, const struct lm_udp_route *route, struct lm_batch batch)
{
    while (batch.segments) {
        int n = lm_udp_send_batch(u, route, &batch);
        if (n == LM_EAGAIN) {
            struct pollfd fd = {.fd = lm_udp_fd(u), .events = POLLOUT};
            assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
            continue;
        }
        assert_in_range(n, 1, batch.segments);
        batch.data += (size_t)n * batch.segment_bytes;
        batch.segments -= (uint32_t)n;
    }
}

static void batches_arrive_whole_with_and_without_offload(void **state)
{
    for (size_t i = 0; i < sizeof payload; i++)
        payload[i] = (uint8_t)(i / SEGMENT + i * 3);
    for (int mode = 0; mode < 4; mode++) {
        struct lm_udp *from = open_on("127.0.0.1", mode & 1), *to = open_on("127.0.0.1", mode & 2);
        assert_non_null(from);
        assert_non_null(to);
        struct lm_udp_route route = route_to(to, "127.0.0.1");
        const uint32_t counts[] = {1, 2, 46, 62};
        struct lm_udp_info before, after;
        lm_udp_get_info(from, &before);
        if (!(mode & 1) && !before.gso)
            print_message("no UDP_SEGMENT in this kernel: only sendmmsg is tested\n");
        for (size_t i = 0; i < LM_ARRAY_LEN(counts); i++) {
            struct lm_batch batch = {
                .data = payload, .segment_bytes = SEGMENT, .segments = counts[i]};
            struct lm_udp_message last;
            send_all(from, &route, batch);
            expect_payload(to, counts[i], SEGMENT, &last);
            struct lm_udp_info info;
            lm_udp_get_info(from, &info);
            assert_true(lm_address_equal(&last.from, &info.local));
        }
        lm_udp_get_info(from, &after);
        assert_int_equal(after.gso, before.gso); /* what it offered it also did */
        lm_udp_close(from);
        lm_udp_close(to);
    }
}

/* gs-session 92; gs-media 3, 8 */
static void one_socket_serves_both_families_and_answers_from_where_it_was_asked(void **state)
{
    struct lm_udp *host = open_on(NULL, false);
    assert_non_null(host);
    struct lm_udp_info info;
    lm_udp_get_info(host, &info);
    if (!info.dual_stack)
        print_message("no IPv6 on this machine: only IPv4 is tested\n");
    const struct {
        const char *client, *host;
    } rows[] = {{"127.0.0.1", "127.0.0.5"}, {"127.0.0.3", "127.0.0.1"}, {"::1", "::1"}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        struct lm_udp *client = open_on(rows[i].client, false);
        if (!client) {
            print_message("%s cannot be bound: skipped\n", rows[i].client);
            continue;
        }
        struct lm_udp_route route = route_to(host, rows[i].host);
        struct lm_udp_message m;
        assert_int_equal(lm_udp_send(client, &route, payload, 20), 0);
        expect_payload(host, 1, 20, &m);
        lm_udp_get_info(client, &info);
        assert_true(lm_address_equal(&m.from, &info.local));
        assert_true(lm_address_equal(&m.local, &route.to));
        /* Back, marked, from the address that was asked: through the offload path too. */
        struct lm_udp_route back = {.to = m.from, .from = m.local, .dscp = 40};
        struct lm_batch batch = {.data = payload, .segment_bytes = SEGMENT, .segments = 5};
        send_all(host, &back, batch);
        expect_payload(client, 5, SEGMENT, &m);
        assert_true(lm_address_equal(&m.from, &route.to));
        lm_udp_close(client);
    }
    lm_udp_close(host);
}

static void marking_reaches_the_wire(void **state) /* gs-media 86 */
{
    struct lm_udp *from = open_on(NULL, false), *to = open_on("127.0.0.1", true);
    struct lm_udp_route route = route_to(to, "127.0.0.1");
    int one = 1;
    assert_int_equal(setsockopt(lm_udp_fd(to), IPPROTO_IP, IP_RECVTOS, &one, sizeof one), 0);
    for (int marked = 0; marked < 2; marked++) {
        route.dscp = marked ? 48 : 0;
        assert_int_equal(lm_udp_send(from, &route, payload, 20), 0);
        struct pollfd fd = {.fd = lm_udp_fd(to), .events = POLLIN};
        assert_int_equal(poll(&fd, 1, WAIT_MS), 1);
        uint8_t data[32], control[256];
        struct iovec vector = {data, sizeof data};
        struct msghdr m = {.msg_iov = &vector,
                           .msg_iovlen = 1,
                           .msg_control = control,
                           .msg_controllen = sizeof control};
        assert_int_equal(recvmsg(lm_udp_fd(to), &m, 0), 20);
        int tos = -1;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
            if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS)
                tos = *CMSG_DATA(c);
        assert_int_equal(tos, marked ? 0xc0 : 0);
    }
    lm_udp_close(from);
    lm_udp_close(to);
}

static void a_full_socket_loses_nothing(void **state)
{
    struct lm_udp_config config = {.receive_messages = 8, .receive_buffer_bytes = 8 << 20};
    struct lm_udp *from, *to;
    assert_int_equal(lm_address_parse("127.0.0.1", 0, &config.bind_to), 0);
    assert_int_equal(lm_udp_open(&config, &to), 0);
    config.send_buffer_bytes = 1; /* the kernel's least */
    config.no_gso = true;
    assert_int_equal(lm_udp_open(&config, &from), 0);
    struct lm_udp_route route = route_to(to, "127.0.0.1");
    struct lm_batch batch = {.data = payload, .segment_bytes = SEGMENT, .segments = 60};
    struct lm_udp_message last;
    send_all(from, &route, batch);
    expect_payload(to, 60, SEGMENT, &last);
    lm_udp_close(from);
    lm_udp_close(to);
}

/* More than the system's limit only for the privileged; told either way. */
static void what_the_kernel_allowed_is_told(void **state)
{
    enum { WANTED = 64 << 20 };
    struct lm_udp_config config = {
        .send_buffer_bytes = WANTED, .receive_buffer_bytes = WANTED, .priority = 6};
    struct lm_udp *u;
    struct lm_udp_info info;
    assert_int_equal(lm_udp_open(&config, &u), 0);
    lm_udp_get_info(u, &info);
    int value = 0, wanted = WANTED;
    socklen_t size_bytes = sizeof value;
    assert_int_equal(getsockopt(lm_udp_fd(u), SOL_SOCKET, SO_RCVBUF, &value, &size_bytes), 0);
    assert_int_equal(info.receive_buffer_bytes, value / 2);
    assert_int_equal(getsockopt(lm_udp_fd(u), SOL_SOCKET, SO_PRIORITY, &value, &size_bytes), 0);
    assert_int_equal(value, 6);
    bool privileged =
        setsockopt(lm_udp_fd(u), SOL_SOCKET, SO_RCVBUFFORCE, &wanted, sizeof wanted) == 0;
    if (privileged) {
        assert_int_equal(info.receive_buffer_bytes, WANTED);
        assert_int_equal(info.send_buffer_bytes, WANTED);
    }
    lm_udp_close(u);
}

static void what_cannot_be_sent_is_told(void **state)
{
    struct lm_udp *v4 = open_on("127.0.0.1", false), *other;
    struct lm_udp_route route = {.dscp = 0};
    struct lm_batch batch = {.data = payload, .segment_bytes = SEGMENT, .segments = 65};
    assert_int_equal(lm_address_parse("[::1]:9", 0, &route.to), 0);
    assert_int_equal(lm_udp_send(v4, &route, payload, 1), LM_EUNSUPPORTED);
    assert_int_equal(lm_udp_send_batch(v4, &route, &batch), LM_EINVAL);
    route = route_to(v4, "127.0.0.1");
    static uint8_t huge[65535];
    assert_int_equal(lm_udp_send(v4, &route, huge, sizeof huge), LM_EIO);
    /* The port is taken. */
    struct lm_udp_config config = {.bind_to = route.to};
    assert_int_equal(lm_udp_open(&config, &other), LM_EEXIST);
    assert_null(other);
    config.priority = 7;
    assert_int_equal(lm_udp_open(&config, &other), LM_EINVAL);
    lm_udp_close(v4);
    lm_udp_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_arrive_whole_with_and_without_offload),
        cmocka_unit_test(one_socket_serves_both_families_and_answers_from_where_it_was_asked),
        cmocka_unit_test(marking_reaches_the_wire),
        cmocka_unit_test(a_full_socket_loses_nothing),
        cmocka_unit_test(what_the_kernel_allowed_is_told),
        cmocka_unit_test(what_cannot_be_sent_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
