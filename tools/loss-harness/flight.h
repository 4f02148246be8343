/* Datagrams on their way: put in with the time of arrival, taken out in that order. */
#ifndef LOSS_HARNESS_FLIGHT_H
#define LOSS_HARNESS_FLIGHT_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct flight_item {
    uint64_t at_ns, order;
    uint8_t *data;
    size_t size_bytes;
};

/* Zeroed but for datagram_bytes, the largest size; grows as needed. */
struct flight {
    size_t datagram_bytes;
    struct flight_item *heap;
    uint8_t **spare; /* buffers not in use */
    size_t count, spares, capacity;
    uint64_t order;
};

void flight_finish(struct flight *f);

/* Copies a datagram; LM_ENOMEM. */
int flight_put(struct flight *f, const uint8_t *data, size_t size_bytes,
               uint64_t at_ns) LM_MUST_USE;

/* Takes what arrives until `until_ns`, up to `capacity`; the count. The data are lent: give them
 * back. */
size_t flight_take(struct flight *f, uint64_t until_ns, struct flight_item *out, size_t capacity);
void flight_give(struct flight *f, const struct flight_item *items, size_t count);

/* When the next one arrives; LM_TIME_MAX: none is on its way. */
uint64_t flight_next_ns(const struct flight *f);

#endif
