#include "net/addr.h"

#include "core/base/check.h"
#include "core/transport/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

_Static_assert(NET_ADDR_TEXT_MAX >= INET6_ADDRSTRLEN, "an address fits its text");

enum { LISTEN_BACKLOG = 64, SAME_PORT_TRIES = 16, ADDRESSES_MAX = 8 };

static void set_v4(struct net_addr *out, const void *bytes, uint16_t port)
{
    out->family = AF_INET;
    out->port = port;
    memcpy(out->bytes, bytes, 4);
    inet_ntop(AF_INET, out->bytes, out->text, sizeof out->text);
}

int net_addr_from_sockaddr(struct net_addr *out, const struct sockaddr *sa)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    memset(out, 0, sizeof *out);
    if (sa->sa_family == AF_INET) {
        memcpy(&v4, sa, sizeof v4);
        set_v4(out, &v4.sin_addr, ntohs(v4.sin_port));
        return LM_OK;
    }
    if (sa->sa_family != AF_INET6)
        return LM_EUNSUPPORTED;
    memcpy(&v6, sa, sizeof v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
        set_v4(out, v6.sin6_addr.s6_addr + 12, ntohs(v6.sin6_port));
        return LM_OK;
    }
    out->family = AF_INET6;
    out->port = ntohs(v6.sin6_port);
    out->scope_id = IN6_IS_ADDR_LINKLOCAL(&v6.sin6_addr) ? v6.sin6_scope_id : 0;
    memcpy(out->bytes, &v6.sin6_addr, 16);
    inet_ntop(AF_INET6, out->bytes, out->text, sizeof out->text);
    return LM_OK;
}

int net_addr_parse(struct net_addr *out, const char *text, uint16_t port)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;

    memset(out, 0, sizeof *out);
    if (getaddrinfo(text, NULL, &hints, &found) != 0)
        return LM_EINVAL;
    int rc = net_addr_from_sockaddr(out, found->ai_addr);
    freeaddrinfo(found);
    out->port = port;
    return rc == LM_OK ? LM_OK : LM_EINVAL;
}

socklen_t net_addr_to_sockaddr(const struct net_addr *addr, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof *out);
    if (addr->family == AF_INET) {
        struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
        memcpy(&v4.sin_addr, addr->bytes, 4);
        memcpy(out, &v4, sizeof v4);
        return sizeof v4;
    }
    if (addr->family == AF_INET6) {
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6,
                                  .sin6_port = htons(addr->port),
                                  .sin6_scope_id = addr->scope_id};
        memcpy(&v6.sin6_addr, addr->bytes, 16);
        memcpy(out, &v6, sizeof v6);
        return sizeof v6;
    }
    return 0;
}

static int of_socket(struct net_addr *out, int fd,
                     int (*name)(int, struct sockaddr *restrict, socklen_t *restrict))
{
    struct sockaddr_storage sa;
    socklen_t size = sizeof sa;

    memset(out, 0, sizeof *out);
    memset(&sa, 0, sizeof sa);
    if (name(fd, (struct sockaddr *)&sa, &size) != 0)
        return LM_EIO;
    return net_addr_from_sockaddr(out, (const struct sockaddr *)&sa) == LM_OK ? LM_OK : LM_EIO;
}

static int peer_name(int fd, struct sockaddr *restrict sa, socklen_t *restrict size)
{
    return getpeername(fd, sa, size);
}

static int local_name(int fd, struct sockaddr *restrict sa, socklen_t *restrict size)
{
    return getsockname(fd, sa, size);
}

int net_addr_of_peer(struct net_addr *out, int fd)
{
    return of_socket(out, fd, peer_name);
}

int net_addr_of_local(struct net_addr *out, int fd)
{
    return of_socket(out, fd, local_name);
}

bool net_addr_same_host(const struct net_addr *a, const struct net_addr *b)
{
    return a->family == b->family && a->scope_id == b->scope_id &&
           memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

bool net_addr_equal(const struct net_addr *a, const struct net_addr *b)
{
    return a->port == b->port && net_addr_same_host(a, b);
}

bool net_addr_is_loopback(const struct net_addr *addr)
{
    if (addr->family == AF_INET)
        return addr->bytes[0] == 127;
    return addr->family == AF_INET6 && memcmp(addr->bytes, &in6addr_loopback, 16) == 0;
}

int net_resolve(const char *host, uint16_t port, int socktype, struct net_addr *out, int capacity)
{
    struct addrinfo hints = {.ai_socktype = socktype};
    struct addrinfo *found = NULL;
    int count = 0;

    if (getaddrinfo(host, NULL, &hints, &found) != 0)
        return LM_ENOENT;
    for (struct addrinfo *at = found; at && count < capacity; at = at->ai_next) {
        if (net_addr_from_sockaddr(&out[count], at->ai_addr) != LM_OK)
            continue;
        out[count++].port = port;
    }
    freeaddrinfo(found);
    return count > 0 ? count : LM_ENOENT;
}

static int open_bound(int family, const struct net_listen_params *params, uint16_t port)
{
    const int on = 1;
    struct sockaddr_storage sa;
    struct net_addr addr = {.family = family, .port = port};

    if (params->loopback_only && family == AF_INET)
        addr.bytes[0] = 127, addr.bytes[3] = 1;
    if (params->loopback_only && family == AF_INET6)
        addr.bytes[15] = 1;
    socklen_t size = net_addr_to_sockaddr(&addr, &sa);

    int fd = socket(family, params->socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return LM_EUNSUPPORTED;
    /* A listener must survive a restart in spite of connections in TIME_WAIT; on a datagram socket
     * the same option would let two hosts share the port. */
    if (params->socktype == SOCK_STREAM)
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);

    int rc = bind(fd, (const struct sockaddr *)&sa, size);
    if (rc == 0 && params->socktype == SOCK_STREAM)
        rc = listen(fd, LISTEN_BACKLOG);
    if (rc == 0)
        return fd;
    int code = errno == EADDRINUSE                               ? LM_EEXIST
               : errno == EADDRNOTAVAIL || errno == EAFNOSUPPORT ? LM_EUNSUPPORTED
                                                                 : LM_EIO;
    close(fd);
    return code;
}

static int open_both(struct net_listen *out, const struct net_listen_params *params)
{
    struct net_addr local;

    *out = (struct net_listen){.fd_v4 = -1, .fd_v6 = -1, .port = params->port};
    out->fd_v4 = open_bound(AF_INET, params, out->port);
    if (out->fd_v4 < 0 && out->fd_v4 != LM_EUNSUPPORTED)
        return out->fd_v4;
    if (out->fd_v4 >= 0 && net_addr_of_local(&local, out->fd_v4) == LM_OK)
        out->port = local.port;
    out->fd_v6 = open_bound(AF_INET6, params, out->port);
    if (out->fd_v6 < 0 && out->fd_v6 != LM_EUNSUPPORTED)
        return out->fd_v6;
    if (out->fd_v6 >= 0 && net_addr_of_local(&local, out->fd_v6) == LM_OK)
        out->port = local.port;
    return out->fd_v4 >= 0 || out->fd_v6 >= 0 ? LM_OK : LM_EIO;
}

int net_listen_open(struct net_listen *out, const struct net_listen_params *params)
{
    int rc = LM_EIO;

    /* A port that the system chose for IPv4 may be taken for IPv6. */
    for (int i = 0; i < (params->port ? 1 : SAME_PORT_TRIES); i++) {
        rc = open_both(out, params);
        if (rc == LM_OK)
            break;
        net_listen_close(out);
        if (rc != LM_EEXIST)
            break;
    }
    if (rc == LM_OK && out->fd_v4 < 0)
        out->fd_v4 = -1;
    if (rc == LM_OK && out->fd_v6 < 0)
        out->fd_v6 = -1;
    return rc;
}

int net_listen_open_v6(const struct net_listen_params *params)
{
    return open_bound(AF_INET6, params, params->port);
}

void net_listen_close(struct net_listen *listen)
{
    if (listen->fd_v4 >= 0)
        close(listen->fd_v4);
    if (listen->fd_v6 >= 0)
        close(listen->fd_v6);
    listen->fd_v4 = listen->fd_v6 = -1;
}

int net_wait(int fd, short events, uint64_t deadline_ns)
{
    struct pollfd p = {.fd = fd, .events = events};

    for (;;) {
        uint64_t now_ns = lm_clock_now_ns();
        if (now_ns >= deadline_ns)
            return LM_ETIMEOUT;
        uint64_t left_ns = LM_MIN(deadline_ns - now_ns, 60 * LM_NS_PER_S);
        struct timespec wait = {.tv_sec = (time_t)(left_ns / LM_NS_PER_S),
                                .tv_nsec = (long)(left_ns % LM_NS_PER_S)};
        int rc = ppoll(&p, 1, &wait, NULL);
        if (rc > 0)
            return LM_OK;
        if (rc < 0 && errno != EINTR)
            return LM_EIO;
    }
}

static int connect_one(const struct net_addr *addr, uint64_t deadline_ns)
{
    const int on = 1;
    struct sockaddr_storage sa;
    socklen_t size = net_addr_to_sockaddr(addr, &sa);
    int error = 0;
    socklen_t error_size = sizeof error;

    int fd = socket(addr->family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return LM_EIO;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int rc = LM_OK;
    if (connect(fd, (const struct sockaddr *)&sa, size) != 0)
        error = errno;
    if (error == EINPROGRESS) {
        error = 0;
        rc = net_wait(fd, POLLOUT, deadline_ns);
        if (rc == LM_OK && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0)
            rc = LM_EIO;
    }
    if (rc == LM_OK && error != 0)
        rc = error == ECONNREFUSED || error == ECONNRESET ? LM_ECLOSED : LM_EIO;
    if (rc == LM_OK)
        return fd;
    close(fd);
    return rc;
}

int net_connect_tcp(const char *host, uint16_t port, uint64_t deadline_ns)
{
    struct net_addr addrs[ADDRESSES_MAX];
    int count = net_resolve(host, port, SOCK_STREAM, addrs, ADDRESSES_MAX);
    int rc = count;

    for (int i = 0; i < count; i++) {
        rc = connect_one(&addrs[i], deadline_ns);
        if (rc >= 0 || rc == LM_ETIMEOUT)
            break;
    }
    return rc;
}
