/* Datagrams between two ends in one process, without a socket: lanes, each from one end to the
 * other, are bounded queues of fixed slots. A lane has one producer thread and one consumer thread;
 * different lanes are independent. What finds a lane full is dropped, as the newest of a full
 * socket is. All memory is taken at create (and touched only as far as it is used). */
#ifndef LUMEN_CORE_TRANSPORT_LOOPBACK_H
#define LUMEN_CORE_TRANSPORT_LOOPBACK_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_LOOPBACK_MAX_LANES = 4,
    LM_LOOPBACK_MAX_SLOTS = 1 << 24,
};

struct lm_loopback_lane {
    unsigned to;          /* end that receives, 0 or 1; the other one sends */
    uint32_t slots;       /* 1..LM_LOOPBACK_MAX_SLOTS datagrams waiting at most */
    uint32_t slot_bytes;  /* largest datagram, 1..65507 */
    uint32_t drop_period; /* n: the n-th, 2n-th, .. datagram is dropped; 0: none */
};

struct lm_loopback;

/* Both ends are there. LM_EINVAL, LM_ENOMEM, LM_EIO (no descriptor left). */
int lm_loopback_create(const struct lm_loopback_lane *lanes, unsigned count,
                       struct lm_loopback **out) LM_MUST_USE;

/* `end` (0 or 1) goes, once; the memory goes with the second. NULL is fine. */
void lm_loopback_leave(struct lm_loopback *l, unsigned end);

/* 1: taken. 0: dropped, by period or for want of room. LM_ECLOSED: the receiving end left.
 * LM_EINVAL: larger than a slot. */
int lm_loopback_send(struct lm_loopback *l, unsigned lane, const uint8_t *data,
                     size_t size_bytes) LM_MUST_USE;

/* 1: *data is the oldest datagram, borrowed until the next receive of the lane; it may be changed.
 * 0: none now. LM_ECLOSED: none, and the sending end left. */
int lm_loopback_receive(struct lm_loopback *l, unsigned lane, uint8_t **data,
                        size_t *size_bytes) LM_MUST_USE;

/* Sleeps until something came in for `end`, or the other end left, at most `timeout_ns`. One thread
 * per end. 1, or 0 when the time ran out. */
int lm_loopback_wait(struct lm_loopback *l, unsigned end, uint64_t timeout_ns) LM_MUST_USE;

bool lm_loopback_other_left(const struct lm_loopback *l, unsigned end);

/* Of all lanes since create. Any thread. */
uint64_t lm_loopback_dropped(const struct lm_loopback *l);

#endif
