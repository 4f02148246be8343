/* Addresses and listening sockets for the control plane. An IPv4-mapped IPv6 address never leaves
 * this file: it is turned into plain IPv4, so equality and text mean what a person expects. */
#ifndef LUMEN_NET_ADDR_H
#define LUMEN_NET_ADDR_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum { NET_ADDR_TEXT_MAX = 48 };

struct net_addr {
    int family;                   /* AF_INET or AF_INET6; 0 = not set */
    uint16_t port;                /* host byte order */
    uint32_t scope_id;            /* zone of a link-local IPv6 address, else 0 */
    uint8_t bytes[16];            /* network byte order; 4 used by AF_INET, the rest zero */
    char text[NET_ADDR_TEXT_MAX]; /* numeric, no port, no zone, no brackets */
};

/* LM_EUNSUPPORTED for another family; then `out` is zeroed. */
int net_addr_from_sockaddr(struct net_addr *out, const struct sockaddr *sa) LM_MUST_USE;

/* A numeric address, without brackets; "fe80::1%eth0" is understood. LM_EINVAL otherwise. */
int net_addr_parse(struct net_addr *out, const char *text, uint16_t port) LM_MUST_USE;

/* Returns the used length of `out`; 0 when `addr` is not set. */
socklen_t net_addr_to_sockaddr(const struct net_addr *addr, struct sockaddr_storage *out);

/* The two ends of a connected socket. LM_EIO when it is not connected. */
int net_addr_of_peer(struct net_addr *out, int fd) LM_MUST_USE;
int net_addr_of_local(struct net_addr *out, int fd) LM_MUST_USE;

/* Same host: family, address and zone; the port is not compared. */
bool net_addr_same_host(const struct net_addr *a, const struct net_addr *b);
bool net_addr_equal(const struct net_addr *a, const struct net_addr *b);
bool net_addr_is_loopback(const struct net_addr *addr);

/* A name or numeric address ("host", "1.2.3.4", "::1") into at most `capacity` addresses, in the
 * resolver's order. Blocks on DNS. Returns the count (>= 1) or LM_ENOENT. `socktype` is SOCK_STREAM
 * or SOCK_DGRAM. */
int net_resolve(const char *host, uint16_t port, int socktype, struct net_addr *out,
                int capacity) LM_MUST_USE;

struct net_listen_params {
    uint16_t port;      /* 0: the system chooses one, the same for both families */
    bool loopback_only; /* 127.0.0.1 and ::1 only */
    int socktype;       /* SOCK_STREAM (listening) or SOCK_DGRAM (bound) */
};

/* One socket per family, non-blocking and close-on-exec. -1 where the machine lacks the family. */
struct net_listen {
    int fd_v4, fd_v6;
    uint16_t port;
};

/* LM_EEXIST when the port is taken, LM_EIO otherwise; then both descriptors are -1. */
int net_listen_open(struct net_listen *out, const struct net_listen_params *params) LM_MUST_USE;
void net_listen_close(struct net_listen *listen);

/* The IPv6 half alone: a descriptor or an error; LM_EUNSUPPORTED where the machine has no IPv6. */
int net_listen_open_v6(const struct net_listen_params *params) LM_MUST_USE;

/* A connected, blocking-with-deadline TCP socket to the first address that answers. The descriptor
 * is returned non-blocking. LM_ENOENT (name), LM_ETIMEOUT, LM_ECLOSED (refused), LM_EIO. */
int net_connect_tcp(const char *host, uint16_t port, uint64_t deadline_ns) LM_MUST_USE;

/* Waits for poll() events on one descriptor until `deadline_ns` of CLOCK_MONOTONIC. 0 when an event
 * came, LM_ETIMEOUT, LM_EIO. */
int net_wait(int fd, short events, uint64_t deadline_ns) LM_MUST_USE;

#endif
