/* The datagrams that tell the host where to send a stream, every 500 ms. One per media socket,
 * owned by that socket's thread. */
#ifndef LUMEN_CLIENT_PING_H
#define LUMEN_CLIENT_PING_H

#include "core/transport/udp.h"
#include "net/addr.h"

enum { PING_PAYLOAD_BYTES = 16, PING_BYTES = PING_PAYLOAD_BYTES + 4, PING_LEGACY_BYTES = 4 };

struct ping {
    struct lm_udp_route route;
    char payload[PING_PAYLOAD_BYTES + 1]; /* "": the legacy form */
    uint32_t count;
    uint64_t next_ns;
};

/* LM_EINVAL for an address that is neither IPv4 nor IPv6. */
int ping_init(struct ping *p, const struct net_addr *host, uint16_t port,
              const char *payload) LM_MUST_USE;

/* Writes the next ping; returns its size. */
uint32_t ping_write(struct ping *p, uint8_t out[PING_BYTES]);

/* Sends one when it is due; the socket's errors are left to time-outs. */
void ping_send_due(struct ping *p, struct lm_udp *udp, uint64_t now_ns);

#endif
