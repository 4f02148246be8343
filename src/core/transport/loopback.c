#include "core/transport/loopback.h"

#include "core/base/check.h"
#include "core/base/time.h"
#include "core/base/wake.h"
#include "core/wire/wire.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLOT_ALIGN = 64 };

struct lane {
    struct lm_loopback_lane config;
    size_t stride_bytes;
    uint8_t *data;
    uint32_t *sizes;
    uint32_t period_at; /* producer */
    bool borrowed;      /* consumer: the slot at head is in use */
    _Atomic uint64_t dropped;
    _Alignas(64) _Atomic uint64_t head; /* written by the consumer */
    _Alignas(64) _Atomic uint64_t tail; /* written by the producer */
};

struct lm_loopback {
    unsigned count;
    struct lane lanes[LM_LOOPBACK_MAX_LANES];
    struct lm_wake wakes[2];
    _Atomic bool waiting[2], left[2];
    _Atomic unsigned ends;
};

static void destroy(struct lm_loopback *l)
{
    for (unsigned i = 0; i < l->count; i++) {
        free(l->lanes[i].data);
        free(l->lanes[i].sizes);
    }
    lm_wake_finish(&l->wakes[0]);
    lm_wake_finish(&l->wakes[1]);
    free(l);
}

static int lane_init(struct lane *lane, const struct lm_loopback_lane *config)
{
    lane->config = *config;
    if (config->to > 1 || config->slots < 1 || config->slots > LM_LOOPBACK_MAX_SLOTS ||
        config->slot_bytes < 1 || config->slot_bytes > LM_UDP_MAX_BYTES)
        return LM_EINVAL;
    lane->stride_bytes = (config->slot_bytes + SLOT_ALIGN - 1u) / SLOT_ALIGN * SLOT_ALIGN;
    lane->data = aligned_alloc(SLOT_ALIGN, config->slots * lane->stride_bytes);
    lane->sizes = malloc(config->slots * sizeof *lane->sizes);
    return lane->data && lane->sizes ? 0 : LM_ENOMEM;
}

int lm_loopback_create(const struct lm_loopback_lane *lanes, unsigned count,
                       struct lm_loopback **out)
{
    *out = NULL;
    if (count < 1 || count > LM_LOOPBACK_MAX_LANES)
        return LM_EINVAL;
    struct lm_loopback *l = aligned_alloc(64, sizeof *l);
    if (!l)
        return LM_ENOMEM;
    memset(l, 0, sizeof *l);
    l->wakes[0].fd = l->wakes[1].fd = -1;
    l->ends = 2;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < count; i++) {
        l->count++;
        rc = lane_init(&l->lanes[i], &lanes[i]);
    }
    for (unsigned i = 0; rc == 0 && i < 2; i++)
        rc = lm_wake_init(&l->wakes[i]);
    if (rc < 0) {
        destroy(l);
        return rc;
    }
    *out = l;
    return 0;
}

/* A consumer says that it is going to sleep before it looks a last time, a producer looks for that
 * after it has put something: with sequentially consistent order one of both sees the other. */
static void wake(struct lm_loopback *l, unsigned end)
{
    if (atomic_load(&l->waiting[end]))
        lm_wake_signal(&l->wakes[end]);
}

void lm_loopback_leave(struct lm_loopback *l, unsigned end)
{
    if (!l)
        return;
    atomic_store(&l->left[end], true);
    wake(l, !end);
    if (atomic_fetch_sub(&l->ends, 1) == 1)
        destroy(l);
}

bool lm_loopback_other_left(const struct lm_loopback *l, unsigned end)
{
    return atomic_load(&l->left[!end]);
}

int lm_loopback_send(struct lm_loopback *l, unsigned lane, const uint8_t *data, size_t size_bytes)
{
    LM_DCHECK(lane < l->count);
    struct lane *to = &l->lanes[lane];
    if (size_bytes > to->config.slot_bytes)
        return LM_EINVAL;
    if (atomic_load(&l->left[to->config.to]))
        return LM_ECLOSED;
    bool is_due = to->config.drop_period && ++to->period_at == to->config.drop_period;
    if (is_due)
        to->period_at = 0;
    uint64_t tail = atomic_load_explicit(&to->tail, memory_order_relaxed);
    uint64_t head = atomic_load_explicit(&to->head, memory_order_acquire);
    if (is_due || tail - head == to->config.slots) {
        atomic_fetch_add_explicit(&to->dropped, 1, memory_order_relaxed);
        return 0;
    }
    size_t slot = tail % to->config.slots;
    memcpy(to->data + slot * to->stride_bytes, data, size_bytes);
    to->sizes[slot] = (uint32_t)size_bytes;
    atomic_store(&to->tail, tail + 1);
    wake(l, to->config.to);
    return 1;
}

int lm_loopback_receive(struct lm_loopback *l, unsigned lane, uint8_t **data, size_t *size_bytes)
{
    LM_DCHECK(lane < l->count);
    struct lane *from = &l->lanes[lane];
    uint64_t head = atomic_load_explicit(&from->head, memory_order_relaxed);
    if (from->borrowed) {
        from->borrowed = false;
        atomic_store_explicit(&from->head, ++head, memory_order_release);
    }
    /* Before the tail: what was sent before the other end left is still given. */
    bool left = atomic_load(&l->left[!from->config.to]);
    if (atomic_load_explicit(&from->tail, memory_order_acquire) == head)
        return left ? LM_ECLOSED : 0;
    size_t slot = head % from->config.slots;
    *data = from->data + slot * from->stride_bytes;
    *size_bytes = from->sizes[slot];
    from->borrowed = true;
    return 1;
}

static bool has_something(struct lm_loopback *l, unsigned end)
{
    bool any = atomic_load(&l->left[!end]);
    for (unsigned i = 0; i < l->count; i++) {
        struct lane *lane = &l->lanes[i];
        if (lane->config.to == end)
            any |= atomic_load(&lane->tail) !=
                   atomic_load_explicit(&lane->head, memory_order_relaxed) + lane->borrowed;
    }
    return any;
}

int lm_loopback_wait(struct lm_loopback *l, unsigned end, uint64_t timeout_ns)
{
    struct pollfd readable = {.fd = l->wakes[end].fd, .events = POLLIN};
    const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / LM_NS_PER_S),
                                     .tv_nsec = (long)(timeout_ns % LM_NS_PER_S)};
    atomic_store(&l->waiting[end], true);
    bool any = has_something(l, end);
    if (!any) {
        (void)!ppoll(&readable, 1, &timeout, NULL);
        any = has_something(l, end);
    }
    atomic_store(&l->waiting[end], false);
    lm_wake_clear(&l->wakes[end]);
    return any;
}

uint64_t lm_loopback_dropped(const struct lm_loopback *l)
{
    uint64_t dropped = 0;
    for (unsigned i = 0; i < l->count; i++)
        dropped += atomic_load_explicit(&l->lanes[i].dropped, memory_order_relaxed);
    return dropped;
}
