#include "net/control_client.h"

#include "core/base/check.h"
#include "core/base/wake.h"
#include "core/transport/clock.h"

#include <arpa/inet.h>
#include <enet/enet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CLIENT_MTU = 900, /* what stock clients announce */
    PEER_TIMEOUT_LIMIT = 2,
    PEER_TIMEOUT_MS = 10000,
    MESSAGE_MAX_BYTES = 16 * 1024,
    DATAGRAM_MAX_BYTES = 4096,
    BATCH = 64,
    BUSY_WAIT_MS = 10,
    EVENTS_PER_SERVICE = 256,
};

/* For an IPv6 host ENet talks to `loopback` instead, and datagrams are copied to and from `remote`.
 */
struct client_relay {
    int loopback, remote; /* -1: IPv4, no relay */
    struct sockaddr_in enet;
    bool enet_known;
};

struct control_client {
    struct control_client_params params;
    ENetHost *enet;
    ENetPeer *peer;
    struct client_relay relay;
    struct lm_wake wake;
    enum control_client_state state;
};

static int relay_open(struct client_relay *relay, const struct net_addr *host, uint16_t *port)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sockaddr_storage to;
    struct net_addr local;
    socklen_t size = net_addr_to_sockaddr(host, &to);

    relay->loopback = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    relay->remote = socket(AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (relay->loopback < 0 || relay->remote < 0)
        return LM_EIO;
    if (bind(relay->loopback, (const struct sockaddr *)&here, sizeof here) != 0 ||
        net_addr_of_local(&local, relay->loopback) != LM_OK ||
        connect(relay->remote, (const struct sockaddr *)&to, size) != 0)
        return LM_EIO;
    *port = local.port;
    return LM_OK;
}

static void relay_close(struct client_relay *relay)
{
    if (relay->loopback >= 0)
        close(relay->loopback);
    if (relay->remote >= 0)
        close(relay->remote);
}

static void relay_move(struct client_relay *relay)
{
    uint8_t buffer[DATAGRAM_MAX_BYTES];
    struct sockaddr_in from;

    for (int i = 0; relay->loopback >= 0 && i < BATCH; i++) {
        socklen_t size = sizeof from;
        ssize_t n = recvfrom(relay->loopback, buffer, sizeof buffer, MSG_DONTWAIT,
                             (struct sockaddr *)&from, &size);
        if (n < 0)
            break;
        relay->enet = from;
        relay->enet_known = true;
        (void)send(relay->remote, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    for (int i = 0; relay->loopback >= 0 && i < BATCH; i++) {
        /* A refused port shows as an error here once; ENet's own time-out decides. */
        ssize_t n = recv(relay->remote, buffer, sizeof buffer, MSG_DONTWAIT);
        if (n < 0)
            break;
        if (relay->enet_known)
            (void)sendto(relay->loopback, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL,
                         (const struct sockaddr *)&relay->enet, sizeof relay->enet);
    }
}

static int start(struct control_client *client)
{
    const struct net_addr *host = &client->params.host;
    ENetAddress to = {.host = htonl(INADDR_LOOPBACK), .port = host->port};

    if (lm_wake_init(&client->wake) != LM_OK || enet_initialize() != 0)
        return LM_EIO;
    if (host->family == AF_INET)
        memcpy(&to.host, host->bytes, sizeof to.host);
    else if (host->family != AF_INET6)
        return LM_EINVAL;
    int rc = host->family == AF_INET6 ? relay_open(&client->relay, host, &to.port) : LM_OK;
    if (rc != LM_OK)
        return rc;
    client->enet = enet_host_create(NULL, 1, CONTROL_CHANNELS, 0, 0);
    if (!client->enet)
        return LM_ENOMEM;
    (void)fcntl(client->enet->socket, F_SETFD, FD_CLOEXEC);
    client->enet->mtu = CLIENT_MTU;
    client->enet->maximumPacketSize = MESSAGE_MAX_BYTES;
    client->peer =
        enet_host_connect(client->enet, &to, CONTROL_CHANNELS, client->params.connect_data);
    if (!client->peer)
        return LM_ENOMEM;
    enet_peer_timeout(client->peer, PEER_TIMEOUT_LIMIT, PEER_TIMEOUT_MS, PEER_TIMEOUT_MS);
    enet_host_flush(client->enet);
    relay_move(&client->relay);
    return LM_OK;
}

int control_client_create(struct control_client **out, const struct control_client_params *params)
{
    struct control_client *client = calloc(1, sizeof *client);

    *out = NULL;
    if (!client)
        return LM_ENOMEM;
    client->params = *params;
    client->state = CONTROL_CLIENT_CONNECTING;
    client->wake.fd = client->relay.loopback = client->relay.remote = -1;
    int rc = start(client);
    if (rc == LM_OK)
        *out = client;
    else
        control_client_destroy(client);
    return rc;
}

void control_client_destroy(struct control_client *client)
{
    if (!client)
        return;
    if (client->enet)
        enet_host_destroy(client->enet);
    relay_close(&client->relay);
    lm_wake_finish(&client->wake);
    free(client);
}

static void dispatch(struct control_client *client, ENetEvent *event)
{
    switch (event->type) {
    case ENET_EVENT_TYPE_CONNECT:
        client->state = CONTROL_CLIENT_CONNECTED;
        break;
    case ENET_EVENT_TYPE_DISCONNECT:
        client->state = CONTROL_CLIENT_CLOSED;
        break;
    case ENET_EVENT_TYPE_RECEIVE:
        if (client->params.received)
            client->params.received(client->params.user, event->channelID, event->packet->data,
                                    event->packet->dataLength);
        enet_packet_destroy(event->packet);
        break;
    case ENET_EVENT_TYPE_NONE:
        break;
    }
}

int control_client_service(struct control_client *client, uint32_t timeout_ms)
{
    struct pollfd ready[] = {{.fd = client->enet->socket, .events = POLLIN},
                             {.fd = client->wake.fd, .events = POLLIN},
                             {.fd = client->relay.loopback, .events = POLLIN},
                             {.fd = client->relay.remote, .events = POLLIN}};
    ENetEvent event;
    int count = 0;

    if (client->state != CONTROL_CLIENT_CLOSED)
        timeout_ms = LM_MIN(timeout_ms, (uint32_t)BUSY_WAIT_MS);
    if (poll(ready, LM_ARRAY_LEN(ready), (int)timeout_ms) < 0 && errno != EINTR)
        return LM_EIO;
    lm_wake_clear(&client->wake);
    relay_move(&client->relay);
    while (count < EVENTS_PER_SERVICE && enet_host_service(client->enet, &event, 0) > 0) {
        dispatch(client, &event);
        count++;
    }
    enet_host_flush(client->enet);
    relay_move(&client->relay);
    return count;
}

enum control_client_state control_client_state(const struct control_client *client)
{
    return client->state;
}

void control_client_wake(struct control_client *client)
{
    lm_wake_signal(&client->wake);
}

int control_client_connect(struct control_client *client, uint64_t deadline_ns)
{
    while (client->state == CONTROL_CLIENT_CONNECTING) {
        if (lm_clock_now_ns() >= deadline_ns)
            return LM_ETIMEOUT;
        int rc = control_client_service(client, BUSY_WAIT_MS);
        if (rc < 0)
            return rc;
    }
    return client->state == CONTROL_CLIENT_CONNECTED ? LM_OK : LM_ECLOSED;
}

static uint32_t packet_flags(enum control_delivery delivery)
{
    switch (delivery) {
    case CONTROL_RELIABLE:
        return ENET_PACKET_FLAG_RELIABLE;
    case CONTROL_UNRELIABLE:
        return 0;
    case CONTROL_UNSEQUENCED:
        return ENET_PACKET_FLAG_UNSEQUENCED;
    }
    return ENET_PACKET_FLAG_RELIABLE;
}

int control_client_send(struct control_client *client, uint8_t channel, const void *data,
                        size_t size_bytes, enum control_delivery delivery)
{
    if (client->state != CONTROL_CLIENT_CONNECTED ||
        client->peer->state != ENET_PEER_STATE_CONNECTED)
        return LM_ECLOSED;
    if (size_bytes > MESSAGE_MAX_BYTES)
        return LM_ELIMIT;
    if (channel >= client->peer->channelCount)
        return LM_EINVAL;
    ENetPacket *packet = enet_packet_create(data, size_bytes, packet_flags(delivery));
    if (!packet)
        return LM_ENOMEM;
    if (enet_peer_send(client->peer, channel, packet) != 0) {
        enet_packet_destroy(packet);
        return LM_ECLOSED;
    }
    enet_host_flush(client->enet);
    relay_move(&client->relay);
    return LM_OK;
}

void control_client_disconnect(struct control_client *client, uint64_t deadline_ns)
{
    if (client->state == CONTROL_CLIENT_CONNECTED)
        enet_peer_disconnect_later(client->peer, 0);
    else
        client->state = CONTROL_CLIENT_CLOSED;
    enet_host_flush(client->enet);
    relay_move(&client->relay);
    while (client->state != CONTROL_CLIENT_CLOSED && lm_clock_now_ns() < deadline_ns)
        if (control_client_service(client, BUSY_WAIT_MS) < 0)
            break;
    client->state = CONTROL_CLIENT_CLOSED;
}

uint32_t control_client_rtt_ms(const struct control_client *client)
{
    return client->peer->roundTripTime;
}
