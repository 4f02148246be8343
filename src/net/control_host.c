#include "net/control_host.h"

#include "core/base/check.h"
#include "core/base/wake.h"
#include "core/transport/clock.h"
#include "net/control_relay.h"

#include <arpa/inet.h>
#include <enet/enet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    DEFAULT_PEERS = 32,
    PEERS_MAX = 255,
    EVENTS_PER_SERVICE = 256,
    QUEUED_MAX = 1024, /* unsent or unacknowledged messages of one peer */
    /* ENet resends and pings only when it is called. */
    BUSY_WAIT_MS = 10,
    QUIET_WAIT_MS = 50,
    TIMEOUT_LIMIT = 2,
    WAITING_DATA_MAX_BYTES = 256 * 1024,
    SAME_PORT_TRIES = 16,
    TOS_EF_ECT1 = 0xB9,
    QOS_PRIORITY = 6,
};

struct control_peer {
    struct control_host *host;
    ENetPeer *enet;
    struct net_addr addr;
    void *user;
    bool connected;
    bool gone; /* disconnected by us, not told to the caller yet */
};

struct control_host {
    struct control_host_params params;
    ENetHost *enet;
    uint16_t port;
    struct control_peer *peers; /* index as in enet->peers */
    struct control_relay relay;
    struct lm_wake wake;
    int epoll_fd;
    uint64_t refused;
};

/* Where a datagram that ENet saw really came from. */
static bool true_addr(struct control_host *host, const ENetAddress *seen, struct net_addr *out)
{
    struct sockaddr_in sa = {
        .sin_family = AF_INET, .sin_port = htons(seen->port), .sin_addr.s_addr = seen->host};
    struct relay_entry *entry = NULL;

    if (sa.sin_addr.s_addr == htonl(INADDR_LOOPBACK))
        entry = control_relay_find(&host->relay, seen->port);
    if (entry)
        *out = entry->peer;
    else if (net_addr_from_sockaddr(out, (const struct sockaddr *)&sa) != LM_OK)
        return false;
    return true;
}

static struct control_host *host_of(const ENetHost *enet)
{
    /* ENetHost has no user pointer, but each of its peers does, and slot 0 always exists. */
    struct control_peer *first = enet->peers[0].data;

    return first->host;
}

/* 1: ENet ignores the datagram it has just received. */
static int ENET_CALLBACK refuse_connect(ENetHost *enet, ENetEvent *event)
{
    struct control_host *host = host_of(enet);
    struct control_connect connect;
    struct net_addr from;

    if (!host->params.events.admit ||
        !control_connect_parse(enet->receivedData, enet->receivedDataLength, &connect) ||
        !true_addr(host, &enet->receivedAddress, &from) ||
        host->params.events.admit(host->params.user, &from, connect.data))
        return 0;
    host->refused++;
    return 1;
}

static bool admit_v6(void *user, const struct net_addr *from, uint32_t connect_data)
{
    struct control_host *host = user;

    if (!host->params.events.admit ||
        host->params.events.admit(host->params.user, from, connect_data))
        return true;
    host->refused++;
    return false;
}

static int epoll_watch(const struct control_host *host, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(host->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? LM_OK : LM_EIO;
}

/* ENet binds its IPv4 socket itself, so the IPv6 one follows on the same port. */
static int open_sockets(struct control_host *host, int *fd_v6)
{
    const struct control_host_params *p = &host->params;
    ENetAddress address = {.host = htonl(p->loopback_only ? INADDR_LOOPBACK : INADDR_ANY),
                           .port = p->port};
    struct net_listen_params params = {.loopback_only = p->loopback_only, .socktype = SOCK_DGRAM};

    host->enet = enet_host_create(&address, p->max_peers, 0, 0, 0);
    if (!host->enet)
        return errno == ENOMEM ? LM_ENOMEM : LM_EEXIST;
    /* ENet leaves it open for programs that we start, which would keep the port. */
    if (fcntl(host->enet->socket, F_SETFD, FD_CLOEXEC) != 0 ||
        enet_socket_get_address(host->enet->socket, &address) != 0)
        return LM_EIO;
    host->port = params.port = address.port;
    *fd_v6 = net_listen_open_v6(&params);
    return *fd_v6 == LM_EUNSUPPORTED || *fd_v6 >= 0 ? LM_OK : *fd_v6;
}

static int open_both(struct control_host *host, int *fd_v6)
{
    int rc = LM_EIO;

    for (int i = 0; i < (host->params.port ? 1 : SAME_PORT_TRIES); i++) {
        rc = open_sockets(host, fd_v6);
        if (rc != LM_EEXIST)
            break;
        if (host->enet)
            enet_host_destroy(host->enet);
        host->enet = NULL;
    }
    return rc;
}

static int start(struct control_host *host)
{
    int fd_v6 = -1;

    host->peers = calloc(host->params.max_peers, sizeof *host->peers);
    host->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!host->peers)
        return LM_ENOMEM;
    if (host->epoll_fd < 0 || lm_wake_init(&host->wake) != LM_OK || enet_initialize() != 0)
        return LM_EIO;
    int rc = open_both(host, &fd_v6);
    if (rc != LM_OK)
        return rc;
    for (uint32_t i = 0; i < host->params.max_peers; i++) {
        host->peers[i] = (struct control_peer){.host = host, .enet = &host->enet->peers[i]};
        host->enet->peers[i].data = &host->peers[i];
    }
    host->enet->intercept = refuse_connect;
    host->enet->maximumPacketSize = CONTROL_MESSAGE_MAX_BYTES;
    host->enet->maximumWaitingData = WAITING_DATA_MAX_BYTES;
    if (fd_v6 >= 0) {
        const struct control_relay_params relay = {.fd_v6 = fd_v6,
                                                   .epoll_fd = host->epoll_fd,
                                                   .enet_port = host->port,
                                                   .capacity = host->params.max_v6_peers,
                                                   .admit = admit_v6,
                                                   .user = host};
        rc = control_relay_init(&host->relay, &relay);
    }
    if (rc == LM_OK)
        rc = epoll_watch(host, host->enet->socket);
    return rc == LM_OK ? epoll_watch(host, host->wake.fd) : rc;
}

int control_host_create(struct control_host **out, const struct control_host_params *params)
{
    struct control_host *host = calloc(1, sizeof *host);

    *out = NULL;
    if (!host)
        return LM_ENOMEM;
    host->params = *params;
    host->epoll_fd = host->wake.fd = host->relay.fd_v6 = -1;
    if (!host->params.max_peers)
        host->params.max_peers = DEFAULT_PEERS;
    if (!host->params.max_v6_peers)
        host->params.max_v6_peers = DEFAULT_PEERS;
    if (!host->params.silence_ms)
        host->params.silence_ms = CONTROL_PEER_TIMEOUT_MS;
    LM_CHECK(host->params.max_peers <= PEERS_MAX && host->params.max_v6_peers <= PEERS_MAX);
    int rc = start(host);
    if (rc == LM_OK)
        *out = host;
    else
        control_host_destroy(host);
    return rc;
}

void control_host_destroy(struct control_host *host)
{
    if (!host)
        return;
    control_relay_finish(&host->relay);
    if (host->enet)
        enet_host_destroy(host->enet);
    lm_wake_finish(&host->wake);
    if (host->epoll_fd >= 0)
        close(host->epoll_fd);
    free(host->peers);
    free(host);
}

uint16_t control_host_port(const struct control_host *host)
{
    return host->port;
}

int control_host_fd(const struct control_host *host)
{
    return host->epoll_fd;
}

void control_host_wake(struct control_host *host)
{
    lm_wake_signal(&host->wake);
}

static void tell_gone(struct control_peer *peer)
{
    struct control_host *host = peer->host;
    struct relay_entry *entry = NULL;

    if (peer->addr.family == AF_INET6)
        entry = control_relay_find(&host->relay, peer->enet->address.port);
    if (entry)
        entry->confirmed = false; /* kept a while for ENet's last words */
    peer->connected = peer->gone = false;
    if (host->params.events.disconnected)
        host->params.events.disconnected(host->params.user, peer);
    peer->user = NULL;
}

static int tell_all_gone(struct control_host *host)
{
    int count = 0;

    for (uint32_t i = 0; i < host->params.max_peers; i++) {
        if (!host->peers[i].gone)
            continue;
        tell_gone(&host->peers[i]);
        count++;
    }
    return count;
}

static void on_connect(struct control_host *host, struct control_peer *peer, uint32_t data)
{
    struct relay_entry *entry;

    if (!true_addr(host, &peer->enet->address, &peer->addr)) {
        enet_peer_reset(peer->enet);
        return;
    }
    if (peer->addr.family == AF_INET6) {
        entry = control_relay_find(&host->relay, peer->enet->address.port);
        if (entry)
            entry->confirmed = true;
    }
    enet_peer_timeout(peer->enet, TIMEOUT_LIMIT, host->params.silence_ms, host->params.silence_ms);
    peer->connected = true;
    peer->user = NULL;
    if (host->params.events.connected)
        host->params.events.connected(host->params.user, peer, data);
}

static void dispatch(struct control_host *host, ENetEvent *event)
{
    struct control_peer *peer = event->peer->data;

    switch (event->type) {
    case ENET_EVENT_TYPE_CONNECT:
        on_connect(host, peer, event->data);
        break;
    case ENET_EVENT_TYPE_DISCONNECT:
        if (peer->connected)
            tell_gone(peer);
        break;
    case ENET_EVENT_TYPE_RECEIVE:
        if (peer->connected && !peer->gone && host->params.events.received)
            host->params.events.received(host->params.user, peer, event->channelID,
                                         event->packet->data, event->packet->dataLength);
        enet_packet_destroy(event->packet);
        break;
    case ENET_EVENT_TYPE_NONE:
        break;
    }
}

/* ENet looks at its own timeout only when it repeats a command, at ever longer intervals: up to
 * twice as late. */
static void drop_silent(struct control_host *host)
{
    for (uint32_t i = 0; i < host->params.max_peers; i++) {
        ENetPeer *peer = &host->enet->peers[i];
        if (peer->state == ENET_PEER_STATE_CONNECTED && host->peers[i].connected &&
            host->enet->serviceTime - peer->lastReceiveTime >= host->params.silence_ms)
            control_peer_disconnect(&host->peers[i], CONTROL_DISCONNECT_NOW);
    }
}

static uint32_t wait_limit_ms(const struct control_host *host, uint32_t timeout_ms)
{
    uint32_t limit_ms = timeout_ms;

    for (uint32_t i = 0; i < host->params.max_peers; i++) {
        ENetPeer *peer = &host->enet->peers[i];
        if (peer->state == ENET_PEER_STATE_DISCONNECTED)
            continue;
        bool busy = peer->state != ENET_PEER_STATE_CONNECTED ||
                    !enet_list_empty(&peer->sentReliableCommands) ||
                    !enet_list_empty(&peer->outgoingCommands);
        limit_ms = LM_MIN(limit_ms, (uint32_t)(busy ? BUSY_WAIT_MS : QUIET_WAIT_MS));
    }
    return limit_ms;
}

int control_host_service(struct control_host *host, uint32_t timeout_ms)
{
    struct epoll_event ready[8];
    ENetEvent event;
    int count = tell_all_gone(host);

    enet_host_flush(host->enet);
    control_relay_move(&host->relay, lm_clock_now_ns());
    if (count == 0 &&
        epoll_wait(host->epoll_fd, ready, LM_ARRAY_LEN(ready),
                   (int)wait_limit_ms(host, timeout_ms)) < 0 &&
        errno != EINTR)
        return LM_EIO;
    lm_wake_clear(&host->wake);
    control_relay_move(&host->relay, lm_clock_now_ns());
    for (int i = 0; i < EVENTS_PER_SERVICE; i++) {
        /* A failed send or receive concerns one datagram; ENet repeats what matters. */
        if (enet_host_service(host->enet, &event, 0) <= 0)
            break;
        dispatch(host, &event);
        count += 1 + tell_all_gone(host);
    }
    drop_silent(host);
    enet_host_flush(host->enet);
    control_relay_move(&host->relay, lm_clock_now_ns());
    return count;
}

int control_peer_send(struct control_peer *peer, uint8_t channel, const void *data,
                      size_t size_bytes)
{
    if (!peer->connected || peer->gone || peer->enet->state != ENET_PEER_STATE_CONNECTED)
        return LM_ECLOSED;
    if (size_bytes > CONTROL_MESSAGE_MAX_BYTES)
        return LM_ELIMIT;
    if (channel >= peer->enet->channelCount)
        return LM_EINVAL;
    if (enet_list_size(&peer->enet->outgoingCommands) +
            enet_list_size(&peer->enet->sentReliableCommands) >=
        QUEUED_MAX)
        return LM_EFULL;
    ENetPacket *packet = enet_packet_create(data, size_bytes, ENET_PACKET_FLAG_RELIABLE);
    if (!packet)
        return LM_ENOMEM;
    if (enet_peer_send(peer->enet, channel, packet) == 0)
        return LM_OK;
    enet_packet_destroy(packet);
    return LM_ECLOSED;
}

void control_host_flush(struct control_host *host)
{
    enet_host_flush(host->enet);
    control_relay_move(&host->relay, lm_clock_now_ns());
}

void control_peer_disconnect(struct control_peer *peer, enum control_disconnect how)
{
    if (!peer->connected || peer->gone)
        return;
    if (how == CONTROL_DISCONNECT_LATER) {
        enet_peer_disconnect_later(peer->enet, 0);
        return;
    }
    /* ENet reports nothing for this one. */
    enet_peer_disconnect_now(peer->enet, 0);
    peer->gone = true;
}

const struct net_addr *control_peer_addr(const struct control_peer *peer)
{
    return &peer->addr;
}

void control_peer_set_user(struct control_peer *peer, void *user)
{
    peer->user = user;
}

void *control_peer_user(const struct control_peer *peer)
{
    return peer->user;
}

uint32_t control_peer_rtt_ms(const struct control_peer *peer)
{
    return peer->enet->roundTripTime;
}

void control_host_set_qos(struct control_host *host, bool on)
{
    const int tos = on ? TOS_EF_ECT1 : 0, priority = on ? QOS_PRIORITY : 0;

    /* Setting the TOS resets the priority, so the priority comes second. */
    (void)setsockopt(host->enet->socket, IPPROTO_IP, IP_TOS, &tos, sizeof tos);
    (void)setsockopt(host->enet->socket, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
    if (host->relay.fd_v6 < 0)
        return;
    (void)setsockopt(host->relay.fd_v6, IPPROTO_IPV6, IPV6_TCLASS, &tos, sizeof tos);
    (void)setsockopt(host->relay.fd_v6, SOL_SOCKET, SO_PRIORITY, &priority, sizeof priority);
}

void control_host_stats(const struct control_host *host, struct control_host_stats *out)
{
    *out = (struct control_host_stats){.v6_entries = control_relay_count(&host->relay),
                                       .refused_connects = host->refused,
                                       .dropped_v6 = host->relay.dropped};
    for (uint32_t i = 0; i < host->params.max_peers; i++)
        out->peers += host->peers[i].connected;
}
