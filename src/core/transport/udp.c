#include "core/transport/udp.h"

#include "core/base/check.h"
#include "core/wire/wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    DEFAULT_MESSAGES = 4,
    MAX_MESSAGES = 64,
    MESSAGE_BYTES = 65536, /* a coalesced run of datagrams is at most this long */
};

/* Room for every control message that a send or a receive may carry. */
union control {
    struct cmsghdr align;
    uint8_t bytes[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo)) +
                  2 * CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
};

struct lm_udp {
    int fd;
    int family;
    bool dual_stack, gro;
    atomic_bool gso; /* cleared by whichever sender is refused first */
    struct lm_address local;
    uint32_t messages;
    uint8_t *buffers;
    struct mmsghdr *headers;
    struct iovec *vectors;
    union control *controls;
    struct sockaddr_storage *sources;
};

static bool enable(int fd, int level, int option)
{
    int one = 1;
    return setsockopt(fd, level, option, &one, sizeof one) == 0;
}

static int open_socket(struct lm_udp *u, int family)
{
    u->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_UDP);
    u->family = family;
    return u->fd < 0 ? LM_EIO : 0;
}

static int bind_to(const struct lm_udp *u, const struct sockaddr *address, socklen_t size_bytes)
{
    if (bind(u->fd, address, size_bytes) == 0)
        return 0;
    return errno == EADDRINUSE ? LM_EEXIST : LM_EIO;
}

/* Any address: one IPv6 socket for both, or IPv4 alone where there is no IPv6. */
static int bind_any(struct lm_udp *u, uint16_t port)
{
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    int off = 0;
    if (open_socket(u, AF_INET6) == 0 &&
        setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0) {
        int rc = bind_to(u, (struct sockaddr *)&any6, sizeof any6);
        u->dual_stack = rc == 0;
        if (rc == 0 || rc == LM_EEXIST)
            return rc;
    }
    if (u->fd >= 0)
        close(u->fd);
    int rc = open_socket(u, AF_INET);
    return rc < 0 ? rc : bind_to(u, (struct sockaddr *)&any4, sizeof any4);
}

static int bind_one(struct lm_udp *u, const struct lm_address *to)
{
    int rc = open_socket(u, to->storage.ss_family);
    return rc < 0 ? rc : bind_to(u, (const struct sockaddr *)&to->storage, to->size_bytes);
}

static uint32_t buffer_size(int fd, int option)
{
    int value = 0;
    socklen_t size_bytes = sizeof value;
    if (getsockopt(fd, SOL_SOCKET, option, &value, &size_bytes) < 0)
        return 0;
    return (uint32_t)value / 2; /* the kernel reports twice what it lets be used */
}

/* Beyond the system's limit (net.core.rmem_max, wmem_max) only with CAP_NET_ADMIN. What is refused
 * shows in lm_udp_info; nothing fails for it. */
static void ask_buffer(int fd, int option, int beyond_limit, uint32_t bytes)
{
    int value = (int)LM_MIN(bytes, (uint32_t)INT32_MAX / 2);
    if (!value)
        return;
    setsockopt(fd, SOL_SOCKET, option, &value, sizeof value);
    if (buffer_size(fd, option) < bytes)
        setsockopt(fd, SOL_SOCKET, beyond_limit, &value, sizeof value);
}

static void set_options(struct lm_udp *u, const struct lm_udp_config *config)
{
    ask_buffer(u->fd, SO_SNDBUF, SO_SNDBUFFORCE, config->send_buffer_bytes);
    ask_buffer(u->fd, SO_RCVBUF, SO_RCVBUFFORCE, config->receive_buffer_bytes);
    if (config->priority)
        setsockopt(u->fd, SOL_SOCKET, SO_PRIORITY, &config->priority, sizeof config->priority);
    if (u->family == AF_INET6)
        enable(u->fd, IPPROTO_IPV6, IPV6_RECVPKTINFO);
    if (u->family == AF_INET || u->dual_stack)
        enable(u->fd, IPPROTO_IP, IP_PKTINFO);
    u->gro = !config->no_gro && enable(u->fd, IPPROTO_UDP, UDP_GRO);
    int segment;
    socklen_t size_bytes = sizeof segment;
    bool knows_gso = getsockopt(u->fd, IPPROTO_UDP, UDP_SEGMENT, &segment, &size_bytes) == 0;
    atomic_store(&u->gso, knows_gso && !config->no_gso);
}

static int take_memory(struct lm_udp *u, uint32_t messages)
{
    u->messages = messages ? LM_MIN(messages, (uint32_t)MAX_MESSAGES) : DEFAULT_MESSAGES;
    u->buffers = malloc((size_t)u->messages * MESSAGE_BYTES);
    u->headers = calloc(u->messages, sizeof *u->headers);
    u->vectors = calloc(u->messages, sizeof *u->vectors);
    u->controls = calloc(u->messages, sizeof *u->controls);
    u->sources = calloc(u->messages, sizeof *u->sources);
    if (!u->buffers || !u->headers || !u->vectors || !u->controls || !u->sources)
        return LM_ENOMEM;
    return 0;
}

static int read_local(struct lm_udp *u)
{
    struct sockaddr_storage name;
    socklen_t size_bytes = sizeof name;
    if (getsockname(u->fd, (struct sockaddr *)&name, &size_bytes) < 0)
        return LM_EIO;
    return lm_address_from_sockaddr((struct sockaddr *)&name, size_bytes, &u->local);
}

int lm_udp_open(const struct lm_udp_config *config, struct lm_udp **out)
{
    *out = NULL;
    if (config->priority < 0 || config->priority > 6)
        return LM_EINVAL;
    struct lm_udp *u = calloc(1, sizeof *u);
    if (!u)
        return LM_ENOMEM;
    u->fd = -1;
    int rc = take_memory(u, config->receive_messages);
    if (rc == 0)
        rc = lm_address_is_set(&config->bind_to) ? bind_one(u, &config->bind_to)
                                                 : bind_any(u, config->port);
    if (rc == 0) {
        set_options(u, config);
        rc = read_local(u);
    }
    if (rc < 0) {
        lm_udp_close(u);
        return rc;
    }
    *out = u;
    return 0;
}

void lm_udp_close(struct lm_udp *u)
{
    if (!u)
        return;
    int saved = errno; /* open reports the failure that led here */
    if (u->fd >= 0)
        close(u->fd);
    free(u->buffers);
    free(u->headers);
    free(u->vectors);
    free(u->controls);
    free(u->sources);
    free(u);
    errno = saved;
}

int lm_udp_fd(const struct lm_udp *u)
{
    return u->fd;
}

void lm_udp_get_info(const struct lm_udp *u, struct lm_udp_info *out)
{
    *out = (struct lm_udp_info){
        .local = u->local,
        .dual_stack = u->dual_stack,
        .send_buffer_bytes = buffer_size(u->fd, SO_SNDBUF),
        .receive_buffer_bytes = buffer_size(u->fd, SO_RCVBUF),
        .gso = atomic_load(&u->gso),
        .gro = u->gro,
    };
}

/* The destination as this socket takes it. LM_EUNSUPPORTED: of the other family. */
static int wire_address(const struct lm_udp *u, const struct lm_address *to,
                        struct sockaddr_storage *out, socklen_t *size_bytes)
{
    if (to->storage.ss_family == u->family) {
        *out = to->storage;
        *size_bytes = to->size_bytes;
        return 0;
    }
    if (!u->dual_stack || !lm_address_is_ipv4(to))
        return LM_EUNSUPPORTED;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&to->storage;
    struct sockaddr_in6 mapped = {.sin6_family = AF_INET6, .sin6_port = v4->sin_port};
    mapped.sin6_addr.s6_addr[10] = mapped.sin6_addr.s6_addr[11] = 0xff;
    memcpy(mapped.sin6_addr.s6_addr + 12, &v4->sin_addr, 4);
    memset(out, 0, sizeof *out);
    memcpy(out, &mapped, sizeof mapped);
    *size_bytes = sizeof mapped;
    return 0;
}

/* Appends a control message; msg_controllen is what is used so far. */
static void add_control(struct msghdr *m, int level, int type, const void *value, size_t bytes)
{
    struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)m->msg_control + m->msg_controllen);
    LM_DCHECK(m->msg_controllen + CMSG_SPACE(bytes) <= sizeof(union control));
    memset(c, 0, CMSG_SPACE(bytes));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(bytes);
    memcpy(CMSG_DATA(c), value, bytes);
    m->msg_controllen += CMSG_SPACE(bytes);
}

/* Source address, interface and marking, as control messages of the destination's family (an
 * IPv6 socket takes those of IPv4 for mapped destinations). */
static void add_route(struct msghdr *m, const struct lm_udp_route *route)
{
    bool is_v4 = lm_address_is_ipv4(&route->to);
    bool has_from = route->from.storage.ss_family == route->to.storage.ss_family &&
                    !lm_address_is_any(&route->from);
    int tos = route->dscp << 2;
    if (tos)
        add_control(m, is_v4 ? IPPROTO_IP : IPPROTO_IPV6, is_v4 ? IP_TOS : IPV6_TCLASS, &tos,
                    sizeof tos);
    if (!has_from && !route->interface)
        return;
    if (is_v4) {
        struct in_pktinfo info = {.ipi_ifindex = (int)route->interface};
        if (has_from)
            info.ipi_spec_dst = ((const struct sockaddr_in *)&route->from.storage)->sin_addr;
        add_control(m, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
        return;
    }
    struct in6_pktinfo info = {.ipi6_ifindex = route->interface};
    if (has_from)
        info.ipi6_addr = ((const struct sockaddr_in6 *)&route->from.storage)->sin6_addr;
    add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
}

static int send_error(void)
{
    /* ENOBUFS: the device queue is full, which passes like a full socket. */
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS || errno == EINTR)
        return LM_EAGAIN;
    return LM_EIO;
}

static int send_one(const struct lm_udp *u, const struct msghdr *m)
{
    return sendmsg(u->fd, m, MSG_NOSIGNAL) < 0 ? send_error() : 0;
}

/* One system call, one datagram each; how many went out. */
static int send_many(const struct lm_udp *u, const struct msghdr *like,
                     const struct lm_batch *batch)
{
    struct mmsghdr headers[LM_UDP_MAX_SEGMENTS];
    struct iovec vectors[LM_UDP_MAX_SEGMENTS];
    for (uint32_t i = 0; i < batch->segments; i++) {
        vectors[i].iov_base = (void *)(uintptr_t)(batch->data + i * batch->segment_bytes);
        vectors[i].iov_len = batch->segment_bytes;
        headers[i].msg_hdr = *like;
        headers[i].msg_hdr.msg_iov = &vectors[i];
        headers[i].msg_len = 0;
    }
    int n = sendmmsg(u->fd, headers, batch->segments, MSG_NOSIGNAL);
    return n > 0 ? n : n < 0 ? send_error() : LM_EAGAIN;
}

/* Refused for the way of sending, not for the destination: worth trying datagram by datagram. */
static bool is_gso_refusal(int error)
{
    return error == EINVAL || error == EIO || error == ENOPROTOOPT || error == EOPNOTSUPP ||
           error == EMSGSIZE;
}

int lm_udp_send_batch(struct lm_udp *u, const struct lm_udp_route *route,
                      const struct lm_batch *batch)
{
    struct sockaddr_storage to;
    union control control;
    struct iovec vector = {.iov_base = (void *)(uintptr_t)batch->data,
                           .iov_len = batch->segments * batch->segment_bytes};
    struct msghdr m = {
        .msg_name = &to, .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control};
    if (batch->segments < 1 || batch->segments > LM_UDP_MAX_SEGMENTS)
        return LM_EINVAL;
    int rc = wire_address(u, &route->to, &to, &m.msg_namelen);
    if (rc < 0)
        return rc;
    add_route(&m, route);
    if (batch->segments > 1 && atomic_load_explicit(&u->gso, memory_order_relaxed)) {
        struct msghdr whole = m;
        uint16_t segment_bytes = (uint16_t)batch->segment_bytes;
        add_control(&whole, IPPROTO_UDP, UDP_SEGMENT, &segment_bytes, sizeof segment_bytes);
        rc = send_one(u, &whole);
        if (rc == 0)
            return (int)batch->segments;
        if (rc == LM_EAGAIN || !is_gso_refusal(errno))
            return rc;
    }
    if (m.msg_controllen == 0)
        m.msg_control = NULL;
    bool was_refused = rc < 0;
    rc = send_many(u, &m, batch);
    /* What works one by one but not as a whole will not do better next time. */
    if (was_refused && rc > 0)
        atomic_store(&u->gso, false);
    return rc;
}

int lm_udp_send(struct lm_udp *u, const struct lm_udp_route *route, const uint8_t *data,
                size_t size_bytes)
{
    struct lm_batch batch = {.data = data, .segment_bytes = size_bytes, .segments = 1};
    int rc = lm_udp_send_batch(u, route, &batch);
    return rc < 0 ? rc : 0;
}

static void prepare(struct lm_udp *u, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        u->vectors[i] = (struct iovec){u->buffers + (size_t)i * MESSAGE_BYTES, MESSAGE_BYTES};
        u->headers[i] = (struct mmsghdr){.msg_hdr = {
                                             .msg_name = &u->sources[i],
                                             .msg_namelen = sizeof u->sources[i],
                                             .msg_iov = &u->vectors[i],
                                             .msg_iovlen = 1,
                                             .msg_control = &u->controls[i],
                                             .msg_controllen = sizeof u->controls[i],
                                         }};
    }
}

/* A control message without alignment promises: the values are copied out. */
static void read_control(const struct lm_udp *u, struct cmsghdr *c, struct lm_udp_message *out)
{
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
        int segment;
        memcpy(&segment, CMSG_DATA(c), sizeof segment);
        if (segment > 0 && (size_t)segment < out->size_bytes)
            out->segment_bytes = (size_t)segment;
    } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        struct sockaddr_in in = {.sin_family = AF_INET,
                                 .sin_port = htons(lm_address_port(&u->local)),
                                 .sin_addr = info.ipi_addr};
        out->interface = (uint32_t)info.ipi_ifindex;
        (void)!lm_address_from_sockaddr((struct sockaddr *)&in, sizeof in, &out->local);
    } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        struct sockaddr_in6 in = {.sin6_family = AF_INET6,
                                  .sin6_port = htons(lm_address_port(&u->local)),
                                  .sin6_addr = info.ipi6_addr};
        out->interface = info.ipi6_ifindex;
        (void)!lm_address_from_sockaddr((struct sockaddr *)&in, sizeof in, &out->local);
    }
}

static void read_message(struct lm_udp *u, uint32_t i, struct lm_udp_message *out)
{
    struct msghdr *m = &u->headers[i].msg_hdr;
    *out = (struct lm_udp_message){
        .data = u->vectors[i].iov_base,
        .size_bytes = u->headers[i].msg_len,
        .segment_bytes = u->headers[i].msg_len,
    };
    (void)!lm_address_from_sockaddr(m->msg_name, m->msg_namelen, &out->from);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
        read_control(u, c, out);
}

int lm_udp_receive(struct lm_udp *u, struct lm_udp_message *messages, uint32_t capacity)
{
    uint32_t count = LM_MIN(capacity, u->messages);
    prepare(u, count);
    int n = recvmmsg(u->fd, u->headers, count, MSG_DONTWAIT, NULL);
    if (n < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : LM_EIO;
    for (int i = 0; i < n; i++)
        read_message(u, (uint32_t)i, &messages[i]);
    return n;
}
