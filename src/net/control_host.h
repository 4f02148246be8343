/* The control channel's server: ENet over UDP, IPv4 and IPv6 on one port. Owned by one thread,
 * which calls control_host_service() in a loop; everything but control_host_wake() is called there.
 * What the messages mean is the caller's.
 *
 * Stock ENet speaks IPv4 only. An IPv6 peer therefore gets a loopback socket of its own inside this
 * process, through which its datagrams reach ENet; callers see the true address. */
#ifndef LUMEN_NET_CONTROL_HOST_H
#define LUMEN_NET_CONTROL_HOST_H

#include "core/base/log.h"
#include "net/addr.h"

#include <stddef.h>

struct control_host;
struct control_peer;

enum {
    CONTROL_MESSAGE_MAX_BYTES = 16 * 1024, /* larger ones are dropped inside ENet */
    /* A peer that acknowledged nothing for this long is gone. Peers are pinged every 500 ms, so
     * a dead one is noticed within 10 s. */
    CONTROL_PEER_TIMEOUT_MS = 9500,
};

/* Borrowed arguments are valid during the call. A peer is valid from `connected` until
 * `disconnected` returns. Callbacks may send to and disconnect any peer. */
struct control_host_events {
    /* Optional. Asked for each connect datagram before anything is kept for it; may be asked again
     * for the same one. False: the datagram is ignored. */
    bool (*admit)(void *user, const struct net_addr *from, uint32_t connect_data);
    void (*connected)(void *user, struct control_peer *peer, uint32_t connect_data);
    void (*received)(void *user, struct control_peer *peer, uint8_t channel, const uint8_t *data,
                     size_t size_bytes);
    /* Once for each connected peer that leaves, times out, or was disconnected by us. Not called by
     * control_host_destroy(). */
    void (*disconnected)(void *user, struct control_peer *peer);
};

struct control_host_params {
    uint16_t port; /* 0: the system chooses */
    bool loopback_only;
    uint32_t max_peers;    /* 1..255; 0: 32 */
    uint32_t max_v6_peers; /* 1..255; 0: 32 */
    uint32_t silence_ms;   /* 0: CONTROL_PEER_TIMEOUT_MS */
    struct control_host_events events;
    void *user;
    const struct lm_log *log; /* borrowed, may be NULL */
};

/* LM_EEXIST (port taken), LM_ENOMEM, LM_EIO; then *out is NULL. */
int control_host_create(struct control_host **out,
                        const struct control_host_params *params) LM_MUST_USE;

/* Drops all peers without telling them; disconnect them first for a graceful end. NULL-safe. */
void control_host_destroy(struct control_host *host);
uint16_t control_host_port(const struct control_host *host);

/* Waits at most `timeout_ms` (less when ENet has work due), moves datagrams, calls the callbacks.
 * Returns the number of events, 0 when none; LM_EIO. */
int control_host_service(struct control_host *host, uint32_t timeout_ms) LM_MUST_USE;

/* A descriptor that is readable when control_host_service() has something to read; for a caller
 * that polls. It must still call service at least every 10 ms while peers are connected. */
int control_host_fd(const struct control_host *host);

/* Any thread: makes a waiting control_host_service() return. */
void control_host_wake(struct control_host *host);

/* Queues a copy. LM_ECLOSED when the peer is leaving, LM_ELIMIT, LM_EINVAL (channel), LM_EFULL (too
 * much unacknowledged). Sent by the next service or flush. */
int control_peer_send(struct control_peer *peer, uint8_t channel, const void *data,
                      size_t size_bytes) LM_MUST_USE;
void control_host_flush(struct control_host *host);

enum control_disconnect {
    CONTROL_DISCONNECT_LATER = 1, /* after all queued messages are acknowledged */
    CONTROL_DISCONNECT_NOW,       /* tell the peer, forget it; `disconnected` follows */
};
void control_peer_disconnect(struct control_peer *peer, enum control_disconnect how);

/* True address and port, for IPv6 too. Borrowed like the peer. */
const struct net_addr *control_peer_addr(const struct control_peer *peer);
void control_peer_set_user(struct control_peer *peer, void *user);
void *control_peer_user(const struct control_peer *peer);

/* ENet's mean round trip. */
uint32_t control_peer_rtt_ms(const struct control_peer *peer);

/* EF + ECT(1) marking of what we send, off at create: some wide-area paths drop marked packets. */
void control_host_set_qos(struct control_host *host, bool on);

struct control_host_stats {
    uint32_t peers, v6_entries;
    uint64_t refused_connects; /* by admit */
    uint64_t dropped_v6;       /* implausible or for a full table */
};
void control_host_stats(const struct control_host *host, struct control_host_stats *out);

#endif
