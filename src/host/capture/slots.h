/* The slots of one capture and their way back: taken and collected by the capture thread, given by
 * one other thread, which wakes the capture thread through `wake` when that one found no slot. */
#ifndef LUMEN_HOST_CAPTURE_SLOTS_H
#define LUMEN_HOST_CAPTURE_SLOTS_H

#include "core/base/check.h"
#include "core/base/ring.h"
#include "core/base/wake.h"
#include "host/capture/capture.h"

struct slots {
    struct image images[CAPTURE_SLOTS];
    uint32_t free_mask; /* bit per slot; the capture thread's */
    struct lm_ring returned;
    struct lm_wake wake;
    atomic_bool starved; /* set by the capture thread, cleared by whoever wakes it */
};

/* Of zeroed memory; all slots are free. `slots` must be finished whatever comes back. */
static inline int slots_init(struct slots *slots)
{
    slots->free_mask = (1u << CAPTURE_SLOTS) - 1;
    slots->wake.fd = -1;
    int rc = lm_ring_init(&slots->returned, sizeof(uint32_t), CAPTURE_SLOTS);
    return rc == LM_OK ? lm_wake_init(&slots->wake) : rc;
}

static inline void slots_finish(struct slots *slots)
{
    lm_ring_finish(&slots->returned);
    lm_wake_finish(&slots->wake);
}

/* The capture thread: takes note of what came back. */
static inline void slots_collect(struct slots *slots)
{
    uint32_t index;
    /* Cleared before the ring is read: what comes back in between signals again. */
    lm_wake_clear(&slots->wake);
    while (lm_ring_pop(&slots->returned, &index))
        slots->free_mask |= 1u << index;
}

/* The capture thread: a free slot's index, or -1: then `wake` tells when one is back. */
static inline int slots_take(struct slots *slots)
{
    if (!slots->free_mask) {
        /* Said first, looked again after: the giver pushes first and looks at `starved` after. */
        atomic_store(&slots->starved, true);
        slots_collect(slots);
    }
    if (!slots->free_mask)
        return -1;
    int index = __builtin_ctz(slots->free_mask);
    slots->free_mask &= slots->free_mask - 1;
    return index;
}

/* The capture thread: an image that never left it. */
static inline void slots_recycle(struct slots *slots, const struct image *image)
{
    uint32_t index = (uint32_t)(image - slots->images);
    LM_CHECK(index < CAPTURE_SLOTS && !(slots->free_mask >> index & 1));
    slots->free_mask |= 1u << index;
    if (atomic_exchange(&slots->starved, false))
        lm_wake_signal(&slots->wake);
}

/* The other thread. */
static inline void slots_give(struct slots *slots, const struct image *image)
{
    uint32_t index = (uint32_t)(image - slots->images);
    LM_CHECK(index < CAPTURE_SLOTS);
    bool pushed = lm_ring_push(&slots->returned, &index);
    LM_CHECK(pushed); /* room for every slot: full means one was given twice */
    if (atomic_exchange(&slots->starved, false))
        lm_wake_signal(&slots->wake);
}

#endif
