/* The control channel's client: ENet over UDP to one host, IPv4 or IPv6. Owned by one thread. */
#ifndef LUMEN_NET_CONTROL_CLIENT_H
#define LUMEN_NET_CONTROL_CLIENT_H

#include "net/addr.h"

#include <stddef.h>

struct control_client;

enum { CONTROL_CHANNELS = 48 };

enum control_delivery {
    CONTROL_RELIABLE = 1,
    CONTROL_UNRELIABLE,
    CONTROL_UNSEQUENCED,
};

struct control_client_params {
    struct net_addr host; /* address and port */
    uint32_t connect_data;
    void (*received)(void *user, uint8_t channel, const uint8_t *data, size_t size_bytes);
    void *user;
};

/* Sends the connect request. LM_EINVAL (address), LM_ENOMEM, LM_EIO; then *out is NULL. */
int control_client_create(struct control_client **out,
                          const struct control_client_params *params) LM_MUST_USE;

/* Without goodbye; see control_client_disconnect(). NULL-safe. */
void control_client_destroy(struct control_client *client);

enum control_client_state {
    CONTROL_CLIENT_CONNECTING = 1,
    CONTROL_CLIENT_CONNECTED,
    CONTROL_CLIENT_CLOSED, /* never connected, timed out, or the host left */
};

/* Waits at most `timeout_ms`, moves datagrams, calls `received`. Returns the number of events or
 * LM_EIO. */
int control_client_service(struct control_client *client, uint32_t timeout_ms) LM_MUST_USE;
enum control_client_state control_client_state(const struct control_client *client);

/* Any thread: makes a waiting service return. */
void control_client_wake(struct control_client *client);

/* Services until connected. 0, LM_ETIMEOUT or LM_ECLOSED. */
int control_client_connect(struct control_client *client, uint64_t deadline_ns) LM_MUST_USE;

/* Queues a copy and flushes. LM_ECLOSED, LM_EINVAL (channel), LM_ELIMIT. */
int control_client_send(struct control_client *client, uint8_t channel, const void *data,
                        size_t size_bytes, enum control_delivery delivery) LM_MUST_USE;

/* Leaves after queued messages are acknowledged; services until the host confirmed or the deadline
 * (CLOCK_MONOTONIC) passed. */
void control_client_disconnect(struct control_client *client, uint64_t deadline_ns);

uint32_t control_client_rtt_ms(const struct control_client *client);

#endif
