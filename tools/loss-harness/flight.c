#include "flight.h"

#include "core/base/check.h"
#include "core/base/time.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool is_before(const struct flight_item *a, const struct flight_item *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void flight_finish(struct flight *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->heap[i].data);
    for (size_t i = 0; i < f->spares; i++)
        free(f->spare[i]);
    free(f->heap);
    free(f->spare);
    *f = (struct flight){.datagram_bytes = f->datagram_bytes};
}

static int grow(struct flight *f)
{
    size_t capacity = f->capacity ? 2 * f->capacity : 1024;
    struct flight_item *heap = realloc(f->heap, capacity * sizeof *heap);
    if (!heap)
        return LM_ENOMEM;
    f->heap = heap;
    uint8_t **spare = realloc(f->spare, 2 * capacity * sizeof *spare);
    if (!spare)
        return LM_ENOMEM;
    f->spare = spare;
    f->capacity = capacity;
    return LM_OK;
}

int flight_put(struct flight *f, const uint8_t *data, size_t size_bytes, uint64_t at_ns)
{
    LM_CHECK(size_bytes <= f->datagram_bytes);
    if (f->count == f->capacity && grow(f) < 0)
        return LM_ENOMEM;
    uint8_t *copy = f->spares ? f->spare[--f->spares] : malloc(f->datagram_bytes);
    if (!copy)
        return LM_ENOMEM;
    memcpy(copy, data, size_bytes);
    struct flight_item item = {at_ns, f->order++, copy, size_bytes};
    size_t i = f->count++;
    for (; i && is_before(&item, &f->heap[(i - 1) / 2]); i = (i - 1) / 2)
        f->heap[i] = f->heap[(i - 1) / 2];
    f->heap[i] = item;
    return LM_OK;
}

static struct flight_item take_first(struct flight *f)
{
    struct flight_item first = f->heap[0], last = f->heap[--f->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < f->count; i = child) {
        if (child + 1 < f->count && is_before(&f->heap[child + 1], &f->heap[child]))
            child++;
        if (!is_before(&f->heap[child], &last))
            break;
        f->heap[i] = f->heap[child];
    }
    f->heap[i] = last;
    return first;
}

size_t flight_take(struct flight *f, uint64_t until_ns, struct flight_item *out, size_t capacity)
{
    size_t count = 0;
    while (count < capacity && f->count && f->heap[0].at_ns <= until_ns)
        out[count++] = take_first(f);
    return count;
}

void flight_give(struct flight *f, const struct flight_item *items, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        /* At most `capacity` are on their way, and as many again taken at the same time. */
        LM_CHECK(f->spares < 2 * f->capacity);
        f->spare[f->spares++] = items[i].data;
    }
}

uint64_t flight_next_ns(const struct flight *f)
{
    return f->count ? f->heap[0].at_ns : LM_TIME_MAX;
}
