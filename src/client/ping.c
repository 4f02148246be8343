#include "client/ping.h"

#include "core/base/bytes.h"
#include "core/base/time.h"

#include <string.h>

static const uint64_t period_ns = 500 * LM_NS_PER_MS;

int ping_init(struct ping *p, const struct net_addr *host, uint16_t port, const char *payload)
{
    *p = (struct ping){0};
    struct sockaddr_storage storage;
    socklen_t size_bytes = net_addr_to_sockaddr(host, &storage);
    int result =
        lm_address_from_sockaddr((const struct sockaddr *)&storage, size_bytes, &p->route.to);
    if (result < 0)
        return LM_EINVAL;
    lm_address_set_port(&p->route.to, port);
    if (strlen(payload) == PING_PAYLOAD_BYTES)
        memcpy(p->payload, payload, PING_PAYLOAD_BYTES);
    return LM_OK;
}

uint32_t ping_write(struct ping *p, uint8_t out[PING_BYTES])
{
    p->count++;
    if (!p->payload[0]) {
        memcpy(out, "PING", PING_LEGACY_BYTES);
        return PING_LEGACY_BYTES;
    }
    memcpy(out, p->payload, PING_PAYLOAD_BYTES);
    lm_put_be32(out + PING_PAYLOAD_BYTES, p->count);
    return PING_BYTES;
}

void ping_send_due(struct ping *p, struct lm_udp *udp, uint64_t now_ns)
{
    uint8_t datagram[PING_BYTES];
    if (now_ns < p->next_ns)
        return;
    p->next_ns = now_ns + period_ns;
    if (lm_udp_send(udp, &p->route, datagram, ping_write(p, datagram)) < 0)
        return; /* a port not open yet looks the same as one that never opens */
}
