#include "core/abi_handle.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    INDEX_BITS = 12,
    TAG_BITS = 4,
    TAG = 0xa, /* no address of an aligned object ends so */
    GENERATION_SHIFT = INDEX_BITS + TAG_BITS,
};

_Static_assert(LUMEN_MAX_OBJECTS == 1 << INDEX_BITS, "an index names each object");

struct cell {
    _Atomic uintptr_t generation; /* of the newest handle; 0: never used */
    _Atomic(void *) object;       /* NULL: free */
    _Atomic uint32_t kind;
};

static struct cell cells[LUMEN_MAX_OBJECTS];
static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;
static uint32_t next_cell; /* under `making`; going round keeps old handles recognizable for long */

static struct cell *find_free(void)
{
    for (uint32_t i = 0; i < LUMEN_MAX_OBJECTS; i++) {
        struct cell *c = &cells[next_cell++ % LUMEN_MAX_OBJECTS];
        if (!atomic_load_explicit(&c->object, memory_order_acquire))
            return c;
    }
    return NULL;
}

void *lm_handle_make(enum lm_handle_kind kind, void *object)
{
    uintptr_t handle = 0;
    pthread_mutex_lock(&making);
    struct cell *c = find_free();
    if (c) {
        uintptr_t generation = atomic_load(&c->generation) + 1;
        if (generation > UINTPTR_MAX >> GENERATION_SHIFT)
            generation = 1;
        atomic_store(&c->generation, generation);
        atomic_store(&c->kind, kind);
        atomic_store_explicit(&c->object, object, memory_order_release);
        handle = generation << GENERATION_SHIFT | (uintptr_t)(c - cells) << TAG_BITS | TAG;
    }
    pthread_mutex_unlock(&making);
    return (void *)handle;
}

static LumenStatus find(enum lm_handle_kind kind, const void *handle, struct cell **out)
{
    uintptr_t value = (uintptr_t)handle, generation = value >> GENERATION_SHIFT;
    if (!handle)
        return LUMEN_STATUS_NULL_POINTER;
    struct cell *c = &cells[(value >> TAG_BITS) % LUMEN_MAX_OBJECTS];
    uintptr_t newest = atomic_load_explicit(&c->generation, memory_order_acquire);
    if ((value & ((1u << TAG_BITS) - 1)) != TAG || !generation || generation > newest)
        return LUMEN_STATUS_INVALID_ARG;
    if (generation < newest || !atomic_load_explicit(&c->object, memory_order_acquire))
        return LUMEN_STATUS_CLOSED;
    if (atomic_load_explicit(&c->kind, memory_order_relaxed) != kind)
        return LUMEN_STATUS_INVALID_ARG;
    *out = c;
    return LUMEN_STATUS_OK;
}

LumenStatus lm_handle_get(enum lm_handle_kind kind, const void *handle, void **object)
{
    struct cell *c;
    LumenStatus status = find(kind, handle, &c);
    *object =
        status == LUMEN_STATUS_OK ? atomic_load_explicit(&c->object, memory_order_relaxed) : NULL;
    return status;
}

void *lm_handle_take(enum lm_handle_kind kind, const void *handle)
{
    struct cell *c;
    if (find(kind, handle, &c) != LUMEN_STATUS_OK)
        return NULL;
    return atomic_exchange(&c->object, NULL);
}
