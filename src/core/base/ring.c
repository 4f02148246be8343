#include "core/base/ring.h"

#include <stdlib.h>
#include <string.h>

int lm_ring_init(struct lm_ring *ring, size_t element_bytes, uint32_t capacity)
{
    memset(ring, 0, sizeof *ring);
    if (!element_bytes || capacity < 2 || capacity > 65536 || (capacity & (capacity - 1)))
        return LM_EINVAL;
    ring->slots = calloc(capacity, element_bytes);
    if (!ring->slots)
        return LM_ENOMEM;
    ring->element_bytes = element_bytes;
    ring->mask = capacity - 1;
    return LM_OK;
}

void lm_ring_finish(struct lm_ring *ring)
{
    if (!ring)
        return;
    free(ring->slots);
    memset(ring, 0, sizeof *ring);
}

bool lm_ring_push(struct lm_ring *ring, const void *element)
{
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    if (tail - head > ring->mask)
        return false;
    memcpy(ring->slots + (size_t)(tail & ring->mask) * ring->element_bytes, element,
           ring->element_bytes);
    atomic_store_explicit(&ring->tail, tail + 1, memory_order_release);
    return true;
}

bool lm_ring_pop(struct lm_ring *ring, void *element)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    if (head == tail)
        return false;
    memcpy(element, ring->slots + (size_t)(head & ring->mask) * ring->element_bytes,
           ring->element_bytes);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

uint32_t lm_ring_count(const struct lm_ring *ring)
{
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return tail - head;
}
