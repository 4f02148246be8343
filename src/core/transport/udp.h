/* A UDP socket for media: bursts out through UDP_SEGMENT (GSO) or sendmmsg, bursts in through
 * UDP_GRO and recvmmsg, non-blocking. One thread may send while another receives; two threads may
 * send at once; only one receives. */
#ifndef LUMEN_CORE_TRANSPORT_UDP_H
#define LUMEN_CORE_TRANSPORT_UDP_H

#include "core/base/err.h"
#include "core/send/batch.h"
#include "core/transport/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_udp_config {
    struct lm_address bind_to;  /* not set: any address, IPv6 and IPv4 in one socket if possible */
    uint16_t port;              /* when bind_to is not set; 0: the kernel chooses */
    uint32_t send_buffer_bytes; /* 0: leave; otherwise asked for, see lm_udp_info */
    uint32_t receive_buffer_bytes;
    uint32_t receive_messages; /* 0: never receives more than pings: 4. Each takes up to 64 KiB */
    int priority;              /* SO_PRIORITY 0..6; 0: leave. Local queueing only */
    bool no_gso, no_gro;       /* for tests and broken drivers */
};

struct lm_udp_info {
    struct lm_address local;                          /* as bound, with the port */
    bool dual_stack;                                  /* takes IPv4 and IPv6 */
    uint32_t send_buffer_bytes, receive_buffer_bytes; /* what the kernel allowed */
    bool gso, gro; /* in use; gso turns off at the first refusal */
};

/* Where a batch goes. */
struct lm_udp_route {
    struct lm_address to;
    struct lm_address from; /* local address to leave from, port ignored; not set: kernel chooses */
    uint32_t interface;     /* index for link-local; 0: kernel chooses */
    uint8_t dscp; /* 0..63: 40 video, 48 audio when the client asked for it; 0: unmarked */
};

/* One message in: datagrams of one sender, each segment_bytes long, the last perhaps shorter. */
struct lm_udp_message {
    uint8_t *data; /* borrowed until the next receive; may be changed */
    size_t size_bytes;
    size_t segment_bytes; /* 1..size_bytes (size_bytes for one datagram); 0 for an empty one */
    struct lm_address from;
    struct lm_address local; /* the address it was sent to, with our port; reply from there */
    uint32_t interface;
};

struct lm_udp;

/* LM_EEXIST: address in use. LM_EIO: the system refused (errno is set). LM_ENOMEM, LM_EINVAL. */
int lm_udp_open(const struct lm_udp_config *config, struct lm_udp **out) LM_MUST_USE;
void lm_udp_close(struct lm_udp *u);

int lm_udp_fd(const struct lm_udp *u); /* for poll and epoll only */
void lm_udp_get_info(const struct lm_udp *u, struct lm_udp_info *out);

/* Sends from the batch's start; the result, 1..segments, is how many datagrams the kernel took.
 * LM_EAGAIN: none now, wait until the fd is writable and send the same batch again. LM_EIO: this
 * datagram cannot be sent there (errno is set: unreachable, too long, forbidden). No datagram is
 * ever skipped. */
int lm_udp_send_batch(struct lm_udp *u, const struct lm_udp_route *route,
                      const struct lm_batch *batch) LM_MUST_USE;

/* One datagram. 0, LM_EAGAIN or LM_EIO. */
int lm_udp_send(struct lm_udp *u, const struct lm_udp_route *route, const uint8_t *data,
                size_t size_bytes) LM_MUST_USE;

/* Up to `capacity` messages (and at most receive_messages). 0: nothing now. LM_EIO: errno is set.
 */
int lm_udp_receive(struct lm_udp *u, struct lm_udp_message *messages,
                   uint32_t capacity) LM_MUST_USE;

#endif
