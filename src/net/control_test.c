#include "net/control_client.h"
#include "net/control_host.h"
#include "net/control_relay.h"

#include "core/base/check.h"
#include "core/transport/clock.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const uint64_t patience_ns = 10 * LM_NS_PER_S;

#define CONNECT_DATA UINT32_C(0xC0FFEE42)

struct fixture {
    struct control_host *host;
    struct control_client *client;
    struct control_peer *peer;
    struct net_addr peer_addr;
    int connected, disconnected, host_messages, client_messages;
    uint32_t connect_data;
    uint64_t channels_seen; /* a bit for each */
    bool echo, refuse;
};

static bool admit(void *user, const struct net_addr *from, uint32_t connect_data)
{
    struct fixture *f = user;

    return !f->refuse && connect_data == CONNECT_DATA;
}

static void on_connected(void *user, struct control_peer *peer, uint32_t connect_data)
{
    struct fixture *f = user;

    f->connected++;
    f->peer = peer;
    f->peer_addr = *control_peer_addr(peer);
    f->connect_data = connect_data;
    control_peer_set_user(peer, f);
}

static void on_received(void *user, struct control_peer *peer, uint8_t channel, const uint8_t *data,
                        size_t size_bytes)
{
    struct fixture *f = user;

    assert_ptr_equal(control_peer_user(peer), f);
    assert_int_equal(size_bytes, 2);
    assert_int_equal(data[0], channel);
    assert_int_equal(data[1], 0x5A);
    f->host_messages++;
    f->channels_seen |= UINT64_C(1) << channel;
    if (f->echo)
        assert_int_equal(control_peer_send(peer, 0, data, size_bytes), LM_OK);
}

static void on_disconnected(void *user, struct control_peer *peer)
{
    struct fixture *f = user;

    assert_ptr_equal(peer, f->peer);
    f->disconnected++;
}

static void client_received(void *user, uint8_t channel, const uint8_t *data, size_t size_bytes)
{
    struct fixture *f = user;

    assert_int_equal(channel, 0);
    assert_int_equal(size_bytes, 2);
    f->client_messages++;
}

static void start_host(struct fixture *f, struct control_host_params params)
{
    *f = (struct fixture){0};
    params.loopback_only = true;
    params.events = (struct control_host_events){.admit = admit,
                                                 .connected = on_connected,
                                                 .received = on_received,
                                                 .disconnected = on_disconnected};
    params.user = f;
    assert_int_equal(control_host_create(&f->host, &params), LM_OK);
}

static void start_client(struct fixture *f, const char *address, uint32_t connect_data)
{
    struct control_client_params params = {
        .connect_data = connect_data, .received = client_received, .user = f};

    assert_int_equal(net_addr_parse(&params.host, address, control_host_port(f->host)), LM_OK);
    assert_int_equal(control_client_create(&f->client, &params), LM_OK);
}

static void stop(struct fixture *f)
{
    control_client_destroy(f->client);
    control_host_destroy(f->host);
}

static void turn(struct fixture *f)
{
    assert_true(control_host_service(f->host, 0) >= 0);
    assert_true(control_client_service(f->client, 1) >= 0);
}

/* Both ends take turns until *counter is at least `wanted`. */
static void run_until(struct fixture *f, const int *counter, int wanted)
{
    uint64_t deadline_ns = lm_clock_now_ns() + patience_ns;

    while (*counter < wanted) {
        assert_true(lm_clock_now_ns() < deadline_ns);
        turn(f);
    }
}

static void run_until_state(struct fixture *f, enum control_client_state wanted)
{
    uint64_t deadline_ns = lm_clock_now_ns() + patience_ns;

    while (control_client_state(f->client) != wanted) {
        assert_true(lm_clock_now_ns() < deadline_ns);
        turn(f);
    }
}

static void all_48_channels_and_the_connect_data_arrive(const char *address)
{
    struct fixture f;

    start_host(&f, (struct control_host_params){0});
    f.echo = true;
    start_client(&f, address, CONNECT_DATA);
    run_until(&f, &f.connected, 1);
    run_until_state(&f, CONTROL_CLIENT_CONNECTED);
    assert_int_equal(f.connect_data, CONNECT_DATA);
    assert_string_equal(f.peer_addr.text, address);
    for (uint8_t channel = 0; channel < CONTROL_CHANNELS; channel++) {
        const uint8_t message[2] = {channel, 0x5A};
        enum control_delivery how = channel % 2 ? CONTROL_RELIABLE : CONTROL_UNSEQUENCED;
        assert_int_equal(control_client_send(f.client, channel, message, 2, how), LM_OK);
    }
    assert_int_equal(control_client_send(f.client, CONTROL_CHANNELS, "", 1, CONTROL_RELIABLE),
                     LM_EINVAL);
    run_until(&f, &f.host_messages, CONTROL_CHANNELS);
    run_until(&f, &f.client_messages, CONTROL_CHANNELS);
    assert_true(f.channels_seen == (UINT64_C(1) << CONTROL_CHANNELS) - 1);
    stop(&f);
}

static void ipv4_client_gets_through(void **state) /* gs-media 58, 61 */
{
    all_48_channels_and_the_connect_data_arrive("127.0.0.1");
}

static void ipv6_client_gets_through(void **state) /* gs-media 58, 61 */
{
    all_48_channels_and_the_connect_data_arrive("::1");
}

static void clients_goodbye_is_acknowledged(void **state) /* gs-media 67 */
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    struct fixture f;

    for (size_t i = 0; i < LM_ARRAY_LEN(addresses); i++) {
        start_host(&f, (struct control_host_params){0});
        start_client(&f, addresses[i], CONNECT_DATA);
        run_until_state(&f, CONTROL_CLIENT_CONNECTED);
        run_until(&f, &f.connected, 1);
        /* The client alone, so nothing is acknowledged yet. */
        control_client_disconnect(f.client, lm_clock_now_ns());
        run_until(&f, &f.disconnected, 1);
        stop(&f);
    }
}

static void host_ends_a_peer_after_its_last_message_or_at_once(void **state) /* gs-media 64 */
{
    static const enum control_disconnect hows[] = {CONTROL_DISCONNECT_LATER,
                                                   CONTROL_DISCONNECT_NOW};
    struct fixture f;

    for (size_t i = 0; i < LM_ARRAY_LEN(hows); i++) {
        start_host(&f, (struct control_host_params){0});
        start_client(&f, "::1", CONNECT_DATA);
        run_until_state(&f, CONTROL_CLIENT_CONNECTED);
        run_until(&f, &f.connected, 1);
        assert_int_equal(control_peer_send(f.peer, 0, "\0Z", 2), LM_OK);
        control_peer_disconnect(f.peer, hows[i]);
        assert_int_equal(control_peer_send(f.peer, 0, "\0Z", 2), LM_ECLOSED);
        assert_int_equal(f.disconnected, 0);
        run_until(&f, &f.disconnected, 1);
        run_until_state(&f, CONTROL_CLIENT_CLOSED);
        assert_int_equal(f.disconnected, 1);
        if (hows[i] == CONTROL_DISCONNECT_LATER)
            assert_int_equal(f.client_messages, 1);
        stop(&f);
    }
}

static void unknown_connect_data_leaves_no_trace(void **state) /* gs-session 95; gs-media 58 */
{
    static const char *const addresses[] = {"127.0.0.1", "::1"};
    struct control_host_stats stats;
    struct fixture f;

    for (size_t i = 0; i < LM_ARRAY_LEN(addresses); i++) {
        start_host(&f, (struct control_host_params){0});
        start_client(&f, addresses[i], CONNECT_DATA + 1);
        uint64_t deadline_ns = lm_clock_now_ns() + patience_ns;
        do {
            assert_true(lm_clock_now_ns() < deadline_ns);
            turn(&f);
            control_host_stats(f.host, &stats);
        } while (stats.refused_connects == 0);
        assert_int_equal(control_client_state(f.client), CONTROL_CLIENT_CONNECTING);
        assert_int_equal(stats.peers, 0);
        assert_int_equal(stats.v6_entries, 0);
        assert_int_equal(f.connected, 0);
        stop(&f);
    }
}

static void silent_peer_is_given_up(void **state) /* gs-media 66 */
{
    enum { SILENCE_MS = 300 };
    struct fixture f;

    start_host(&f, (struct control_host_params){.silence_ms = SILENCE_MS});
    start_client(&f, "127.0.0.1", CONNECT_DATA);
    run_until_state(&f, CONTROL_CLIENT_CONNECTED);
    run_until(&f, &f.connected, 1);
    uint64_t start_ns = lm_clock_now_ns();
    while (f.disconnected == 0) {
        assert_true(lm_clock_now_ns() - start_ns < patience_ns);
        assert_true(control_host_service(f.host, 100) >= 0);
    }
    assert_true(lm_clock_now_ns() - start_ns > (SILENCE_MS - 100) * LM_NS_PER_MS);
    stop(&f);
}

/* The 48 bytes of a connect command of ENet 1.3 after the 4 bytes of the datagram's header. */
static void make_connect(uint8_t out[52], uint32_t connect_data)
{
    memset(out, 0, 52);
    out[0] = 0x8F; /* no peer yet, sent time follows */
    out[1] = 0xFF;
    out[4] = 0x82; /* connect, acknowledge */
    out[5] = 0xFF;
    out[7] = 1;
    out[4 + 16 + 3] = 48;
    out[4 + 44] = (uint8_t)(connect_data >> 24);
    out[4 + 45] = (uint8_t)(connect_data >> 16);
    out[4 + 46] = (uint8_t)(connect_data >> 8);
    out[4 + 47] = (uint8_t)connect_data;
}

static void only_a_plain_connect_request_is_plausible(void **state)
{
    struct control_connect out;
    uint8_t good[52], bad[53] = {0};

    make_connect(good, 7);
    assert_true(control_connect_parse(good, sizeof good, &out));
    assert_int_equal(out.data, 7);
    assert_int_equal(out.channels, 48);
    for (size_t size = 0; size < sizeof good; size++)
        assert_false(control_connect_parse(good, size, &out));
    memcpy(bad, good, sizeof good);
    assert_false(control_connect_parse(bad, sizeof bad, &out));

    static const struct {
        size_t at;
        uint8_t value;
    } rows[] = {{0, 0x80}, {0, 0xCF}, {1, 0xFE}, {4, 0x86}, {4 + 16, 1}, {4 + 19, 0}};
    for (size_t i = 0; i < LM_ARRAY_LEN(rows); i++) {
        memcpy(bad, good, sizeof good);
        bad[rows[i].at] = rows[i].value;
        assert_false(control_connect_parse(bad, sizeof good, &out));
    }
}

static int v6_socket(uint16_t port)
{
    struct sockaddr_in6 to = {
        .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static void v6_table_is_bounded_and_garbage_makes_no_entry(void **state)
{
    struct control_host_stats stats;
    struct fixture f;
    uint8_t connect[52];
    int fds[4];

    start_host(&f, (struct control_host_params){.max_v6_peers = 2});
    make_connect(connect, CONNECT_DATA);
    for (size_t i = 0; i < LM_ARRAY_LEN(fds); i++) {
        fds[i] = v6_socket(control_host_port(f.host));
        assert_int_equal(send(fds[i], "garbage", 7, 0), 7);
    }
    assert_true(control_host_service(f.host, 1000) >= 0);
    control_host_stats(f.host, &stats);
    assert_int_equal(stats.v6_entries, 0);
    assert_int_equal(stats.dropped_v6, 4);
    for (size_t i = 0; i < LM_ARRAY_LEN(fds); i++)
        assert_int_equal(send(fds[i], connect, sizeof connect, 0), sizeof connect);
    assert_true(control_host_service(f.host, 1000) >= 0);
    control_host_stats(f.host, &stats);
    assert_int_equal(stats.v6_entries, 2);
    assert_int_equal(stats.dropped_v6, 6);
    for (size_t i = 0; i < LM_ARRAY_LEN(fds); i++)
        close(fds[i]);
    stop(&f);
}

static void taken_port_is_reported(void **state)
{
    struct fixture f;
    struct control_host *second = NULL;

    start_host(&f, (struct control_host_params){0});
    const struct control_host_params params = {.port = control_host_port(f.host),
                                               .loopback_only = true};
    assert_int_equal(control_host_create(&second, &params), LM_EEXIST);
    assert_null(second);
    stop(&f);
}

static void wake_ends_a_wait(void **state)
{
    struct fixture f;
    uint64_t start_ns = lm_clock_now_ns();

    start_host(&f, (struct control_host_params){0});
    control_host_wake(f.host);
    assert_int_equal(control_host_service(f.host, 60000), 0);
    assert_true(lm_clock_now_ns() - start_ns < patience_ns);
    stop(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipv4_client_gets_through),
        cmocka_unit_test(ipv6_client_gets_through),
        cmocka_unit_test(clients_goodbye_is_acknowledged),
        cmocka_unit_test(host_ends_a_peer_after_its_last_message_or_at_once),
        cmocka_unit_test(unknown_connect_data_leaves_no_trace),
        cmocka_unit_test(silent_peer_is_given_up),
        cmocka_unit_test(only_a_plain_connect_request_is_plausible),
        cmocka_unit_test(v6_table_is_bounded_and_garbage_makes_no_entry),
        cmocka_unit_test(taken_port_is_reported),
        cmocka_unit_test(wake_ends_a_wait),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
