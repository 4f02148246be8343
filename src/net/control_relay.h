/* Lets stock ENet, which speaks IPv4 only, serve IPv6 peers: each gets a loopback IPv4 socket of
 * its own, and datagrams are copied between it and one IPv6 socket. Used by control_host.c on the
 * control thread; the table is fixed at open, and an entry is made only for a plausible connect
 * request. */
#ifndef LUMEN_NET_CONTROL_RELAY_H
#define LUMEN_NET_CONTROL_RELAY_H

#include "net/addr.h"

#include <netinet/in.h>
#include <stddef.h>

/* The first command of an ENet datagram, when it is a connect request. */
struct control_connect {
    uint32_t data;
    uint32_t channels;
};

/* True when `data` is an ENet 1.3 connect datagram: header without peer, one connect command. */
bool control_connect_parse(const uint8_t *data, size_t size_bytes, struct control_connect *out);

struct relay_entry {
    int fd; /* loopback, connected to ENet; -1: free */
    uint16_t loopback_port;
    bool confirmed; /* ENet has a connected peer behind it */
    struct net_addr peer;
    struct in6_pktinfo local; /* answers leave from the address the peer used */
    uint64_t seen_ns;
};

struct control_relay {
    int fd_v6; /* owned */
    int epoll_fd;
    uint16_t enet_port;
    struct relay_entry *entries;
    uint32_t capacity;
    uint64_t dropped;
    /* NULL: admit all. */
    bool (*admit)(void *user, const struct net_addr *from, uint32_t connect_data);
    void *user;
};

struct control_relay_params {
    int fd_v6;    /* taken over, also on failure */
    int epoll_fd; /* borrowed; the relay's descriptors are added to it */
    uint16_t enet_port;
    uint32_t capacity;
    bool (*admit)(void *user, const struct net_addr *from, uint32_t connect_data);
    void *user;
};

int control_relay_init(struct control_relay *relay,
                       const struct control_relay_params *params) LM_MUST_USE;

/* NULL-safe for a relay that control_relay_init() refused. */
void control_relay_finish(struct control_relay *relay);

/* Moves what waits, both ways, a bounded number of datagrams; drops idle entries. */
void control_relay_move(struct control_relay *relay, uint64_t now_ns);

/* The entry behind a loopback port that ENet sees, or NULL. */
struct relay_entry *control_relay_find(struct control_relay *relay, uint16_t loopback_port);
uint32_t control_relay_count(const struct control_relay *relay);

#endif
