/* A ring of fixed-size elements between exactly one producer thread and one consumer thread.
 * Memory is taken at init; push and pop never block, lock or allocate. Elements are copied in
 * and out; a popped element belongs to the consumer. */
#ifndef LUMEN_CORE_BASE_RING_H
#define LUMEN_CORE_BASE_RING_H

#include "core/base/err.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lm_ring {
    uint8_t *slots;
    size_t element_bytes;
    uint32_t mask;
    _Alignas(64) _Atomic uint32_t head; /* written by the consumer */
    _Alignas(64) _Atomic uint32_t tail; /* written by the producer */
};

/* `capacity` is a power of two, 2..65536. LM_EINVAL or LM_ENOMEM on failure. */
int lm_ring_init(struct lm_ring *ring, size_t element_bytes, uint32_t capacity) LM_MUST_USE;

/* NULL-safe for a zeroed ring. Both threads must have stopped using it. */
void lm_ring_finish(struct lm_ring *ring);

/* Producer. False when full: the element is still the caller's. */
bool lm_ring_push(struct lm_ring *ring, const void *element) LM_MUST_USE;

/* Consumer. False when empty. */
bool lm_ring_pop(struct lm_ring *ring, void *element) LM_MUST_USE;

/* Elements waiting; exact for the consumer's lower and the producer's upper bound. */
uint32_t lm_ring_count(const struct lm_ring *ring);

#endif
