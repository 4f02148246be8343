#include "net/control_relay.h"

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/time.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    DATAGRAM_MAX_BYTES = 4096, /* ENet's own limit for an MTU */
    BATCH = 64,
    /* ENet's datagram header and command, network byte order. */
    PEER_ID_MASK = 0x0FFF,
    PEER_ID_NONE = 0x0FFF,
    FLAG_SENT_TIME = 0x8000,
    FLAG_COMPRESSED = 0x4000,
    COMMAND_MASK = 0x0F,
    COMMAND_CONNECT = 2,
    CONNECT_BYTES = 48,
    CONNECT_CHANNELS_AT = 16,
    CONNECT_DATA_AT = 44,
    CHANNELS_MAX = 255,
};

/* ENet gives a silent peer up after 10 s; one that never connected keeps its entry for 1 s only
 * when somebody else wants it. */
static const uint64_t idle_ns = 20 * LM_NS_PER_S;
static const uint64_t contested_ns = 1 * LM_NS_PER_S;

bool control_connect_parse(const uint8_t *data, size_t size_bytes, struct control_connect *out)
{
    struct lm_reader r = lm_reader_of(data, size_bytes);
    uint16_t peer = lm_read_be16(&r);

    if ((peer & PEER_ID_MASK) != PEER_ID_NONE || (peer & FLAG_COMPRESSED))
        return false;
    if (peer & FLAG_SENT_TIME)
        (void)lm_read_be16(&r);
    if (r.bad || lm_reader_left(&r) != CONNECT_BYTES || (r.at[0] & COMMAND_MASK) != COMMAND_CONNECT)
        return false;
    out->channels = lm_get_be32(r.at + CONNECT_CHANNELS_AT);
    out->data = lm_get_be32(r.at + CONNECT_DATA_AT);
    return out->channels >= 1 && out->channels <= CHANNELS_MAX;
}

static void entry_free(struct relay_entry *entry)
{
    if (entry->fd >= 0)
        close(entry->fd);
    *entry = (struct relay_entry){.fd = -1};
}

static int watch(const struct control_relay *relay, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    return epoll_ctl(relay->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0 ? LM_OK : LM_EIO;
}

int control_relay_init(struct control_relay *relay, const struct control_relay_params *params)
{
    const int on = 1;

    *relay = (struct control_relay){.fd_v6 = params->fd_v6,
                                    .epoll_fd = params->epoll_fd,
                                    .enet_port = params->enet_port,
                                    .capacity = params->capacity,
                                    .admit = params->admit,
                                    .user = params->user};
    relay->entries = calloc(relay->capacity, sizeof *relay->entries);
    int rc = relay->entries ? LM_OK : LM_ENOMEM;
    for (uint32_t i = 0; relay->entries && i < relay->capacity; i++)
        relay->entries[i].fd = -1;
    if (rc == LM_OK &&
        setsockopt(relay->fd_v6, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0)
        rc = LM_EIO;
    if (rc == LM_OK)
        rc = watch(relay, relay->fd_v6);
    if (rc != LM_OK)
        control_relay_finish(relay);
    return rc;
}

void control_relay_finish(struct control_relay *relay)
{
    for (uint32_t i = 0; relay->entries && i < relay->capacity; i++)
        entry_free(&relay->entries[i]);
    free(relay->entries);
    if (relay->fd_v6 >= 0)
        close(relay->fd_v6);
    *relay = (struct control_relay){.fd_v6 = -1};
}

struct relay_entry *control_relay_find(struct control_relay *relay, uint16_t loopback_port)
{
    for (uint32_t i = 0; i < relay->capacity; i++)
        if (relay->entries[i].fd >= 0 && relay->entries[i].loopback_port == loopback_port)
            return &relay->entries[i];
    return NULL;
}

uint32_t control_relay_count(const struct control_relay *relay)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < relay->capacity; i++)
        count += relay->entries[i].fd >= 0;
    return count;
}

/* A free entry, else the longest silent one that never became a peer. */
static struct relay_entry *pick_entry(struct control_relay *relay, uint64_t now_ns)
{
    struct relay_entry *oldest = NULL;

    for (uint32_t i = 0; i < relay->capacity; i++) {
        struct relay_entry *entry = &relay->entries[i];
        if (entry->fd < 0)
            return entry;
        if (!entry->confirmed && (!oldest || entry->seen_ns < oldest->seen_ns))
            oldest = entry;
    }
    if (!oldest || now_ns - oldest->seen_ns < contested_ns)
        return NULL;
    entry_free(oldest);
    return oldest;
}

static struct relay_entry *new_entry(struct control_relay *relay, const struct net_addr *peer,
                                     uint64_t now_ns)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(relay->enet_port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct net_addr local;
    struct relay_entry *entry = pick_entry(relay, now_ns);

    if (!entry)
        return NULL;
    entry->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (entry->fd < 0)
        return NULL;
    if (connect(entry->fd, (const struct sockaddr *)&to, sizeof to) != 0 ||
        net_addr_of_local(&local, entry->fd) != LM_OK || watch(relay, entry->fd) != LM_OK) {
        entry_free(entry);
        return NULL;
    }
    entry->loopback_port = local.port;
    entry->peer = *peer;
    return entry;
}

/* An IPv4-mapped source cannot appear on a V6ONLY socket. */
static struct relay_entry *entry_for(struct control_relay *relay, const struct net_addr *peer,
                                     const struct iovec *datagram, uint64_t now_ns)
{
    struct control_connect connect;

    for (uint32_t i = 0; i < relay->capacity; i++)
        if (relay->entries[i].fd >= 0 && net_addr_equal(&relay->entries[i].peer, peer))
            return &relay->entries[i];
    if (!control_connect_parse(datagram->iov_base, datagram->iov_len, &connect))
        return NULL;
    if (relay->admit && !relay->admit(relay->user, peer, connect.data))
        return NULL;
    return new_entry(relay, peer, now_ns);
}

static void local_of(struct msghdr *msg, struct in6_pktinfo *out)
{
    memset(out, 0, sizeof *out);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
            memcpy(out, CMSG_DATA(c), sizeof *out);
    /* The interface matters for link-local addresses alone; elsewhere routing decides. */
    if (!IN6_IS_ADDR_LINKLOCAL(&out->ipi6_addr))
        out->ipi6_ifindex = 0;
}

/* False when nothing waits. */
static bool move_in(struct control_relay *relay, uint64_t now_ns)
{
    uint8_t buffer[DATAGRAM_MAX_BYTES];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    struct sockaddr_in6 from;
    struct iovec iov = {.iov_base = buffer, .iov_len = sizeof buffer};
    struct msghdr msg = {.msg_name = &from,
                         .msg_namelen = sizeof from,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof control};
    struct net_addr peer;

    ssize_t n = recvmsg(relay->fd_v6, &msg, MSG_DONTWAIT);
    if (n < 0)
        return false;
    iov.iov_len = (size_t)n;
    struct relay_entry *entry = NULL;
    if (!(msg.msg_flags & MSG_TRUNC) &&
        net_addr_from_sockaddr(&peer, (const struct sockaddr *)&from) == LM_OK)
        entry = entry_for(relay, &peer, &iov, now_ns);
    if (!entry) {
        relay->dropped++;
        return true;
    }
    entry->seen_ns = now_ns;
    local_of(&msg, &entry->local);
    (void)send(entry->fd, buffer, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
    return true;
}

static bool move_out(struct control_relay *relay, struct relay_entry *entry)
{
    uint8_t buffer[DATAGRAM_MAX_BYTES];
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in6_pktinfo))] = {0};
    struct sockaddr_storage to;
    struct iovec iov = {.iov_base = buffer};
    struct msghdr msg = {.msg_name = &to,
                         .msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = control,
                         .msg_controllen = sizeof control};

    ssize_t n = recv(entry->fd, buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0)
        return false;
    iov.iov_len = (size_t)n;
    msg.msg_namelen = net_addr_to_sockaddr(&entry->peer, &to);
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    c->cmsg_level = IPPROTO_IPV6;
    c->cmsg_type = IPV6_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof entry->local);
    memcpy(CMSG_DATA(c), &entry->local, sizeof entry->local);
    (void)sendmsg(relay->fd_v6, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
    return true;
}

void control_relay_move(struct control_relay *relay, uint64_t now_ns)
{
    if (relay->fd_v6 < 0)
        return;
    for (int i = 0; i < BATCH && move_in(relay, now_ns); i++)
        ;
    for (uint32_t e = 0; e < relay->capacity; e++) {
        struct relay_entry *entry = &relay->entries[e];
        for (int i = 0; entry->fd >= 0 && i < BATCH && move_out(relay, entry); i++)
            ;
        if (entry->fd >= 0 && now_ns - entry->seen_ns > idle_ns)
            entry_free(entry);
    }
}
