/* Why a stream ends: the first thread to find out says so and wakes the main thread. */
#ifndef LUMEN_CLIENT_ENDING_H
#define LUMEN_CLIENT_ENDING_H

#include "core/base/wake.h"

#include <stdatomic.h>
#include <stdint.h>

enum ending_cause {
    ENDING_NONE = 0,
    ENDING_HOST,       /* termination message; `code` is its reason */
    ENDING_LOST,       /* the control channel went away */
    ENDING_NO_VIDEO,   /* no datagram within 10 s */
    ENDING_NO_PICTURE, /* datagrams, but no key frame within 10 s */
    ENDING_NO_DECODER,
    ENDING_NO_DISPLAY, /* went away */
    ENDING_USER,       /* asked to leave */
    ENDING_DONE,       /* --frames, --duration or the script's end */
    ENDING_DROPPED,    /* --drop-connection-after */
};

struct ending {
    struct lm_wake wake;    /* of the main thread */
    _Atomic uint64_t value; /* cause << 32 | code */
};

static inline int LM_MUST_USE ending_init(struct ending *e)
{
    atomic_init(&e->value, 0);
    return lm_wake_init(&e->wake);
}

static inline void ending_finish(struct ending *e)
{
    lm_wake_finish(&e->wake);
}

/* Any thread; only the first cause counts. */
static inline void ending_set(struct ending *e, enum ending_cause cause, uint32_t code)
{
    uint64_t none = 0;
    atomic_compare_exchange_strong(&e->value, &none, (uint64_t)cause << 32 | code);
    lm_wake_signal(&e->wake);
}

static inline enum ending_cause ending_cause(struct ending *e, uint32_t *code)
{
    uint64_t value = atomic_load(&e->value);
    *code = (uint32_t)value;
    return (enum ending_cause)(value >> 32);
}

#endif
