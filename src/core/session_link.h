/* What a session sends and receives through: a UDP socket, or one end of a loopback. Sending and
 * receiving may go on in two threads; each lane is sent by one at a time, one thread receives. */
#ifndef LUMEN_CORE_SESSION_LINK_H
#define LUMEN_CORE_SESSION_LINK_H

#include "core/send/batch.h"
#include "core/transport/loopback.h"
#include "core/transport/udp.h"

enum lm_link_lane {
    LM_LANE_VIDEO = 0, /* host to client: a thread of its own may acknowledge input meanwhile */
    LM_LANE_ACK = 1,
    LM_LANE_INPUT = 2, /* client to host */
    LM_LANE_COUNT = 3,
};

enum { LM_LINK_HOST = 0, LM_LINK_CLIENT = 1 }; /* ends of the loopback */

enum { LM_LINK_MESSAGES = 16 };

/* Embedded; zeroed is finished. Either udp or loopback is set. */
struct lm_link {
    struct lm_udp *udp;
    struct lm_udp_route route; /* to: the peer, if known */
    struct lm_loopback *loopback;
    unsigned end;
    /* Of the receiving thread: messages received and not yet given, and datagrams of strangers. */
    struct lm_udp_message messages[LM_LINK_MESSAGES];
    uint32_t count, at;
    size_t offset;
    uint64_t strangers;
};

void lm_link_finish(struct lm_link *link);

/* From the batch's start; how many datagrams are gone (on the loopback also those it dropped).
 * LM_EAGAIN, LM_EIO, LM_ECLOSED. The peer is known. */
int lm_link_send(struct lm_link *link, enum lm_link_lane lane,
                 const struct lm_batch *batch) LM_MUST_USE;

/* Until the socket takes something, at most `timeout_ms`. */
void lm_link_wait_writable(const struct lm_link *link, int timeout_ms);

/* 1: *data is a datagram of the peer, borrowed until the next receive. 0: none now. LM_EIO;
 * LM_ECLOSED: none, and the other end of the loopback left. */
int lm_link_receive(struct lm_link *link, uint8_t **data, size_t *size_bytes) LM_MUST_USE;

/* Sleeps until receive may have something, at most `timeout_ns`. 1, 0, LM_EIO. */
int lm_link_wait(struct lm_link *link, uint64_t timeout_ns) LM_MUST_USE;

bool lm_link_has_peer(const struct lm_link *link);
bool lm_link_is_closed(const struct lm_link *link); /* by the other end */

#endif
