#include "host/encode/refs.h"

#include "core/base/check.h"

#include <string.h>

void encode_refs_init(struct encode_refs *refs, uint32_t capacity)
{
    LM_CHECK(capacity >= 1 && capacity <= ENCODE_REFS_MAX);
    *refs = (struct encode_refs){.capacity = capacity};
}

enum encode_refs_answer encode_refs_lose(struct encode_refs *refs, uint32_t first, uint32_t last,
                                         uint32_t *from)
{
    if (refs->count == 0 || first > refs->frame[0])
        return ENCODE_REFS_NOTHING;
    /* Ranges of before the last recovery arrive until the client has it. */
    bool older_is_good = !refs->clean_is_recovery || first > refs->clean_ref;
    if (last < refs->clean_from && older_is_good)
        return ENCODE_REFS_NOTHING;
    *from = LM_MAX(first, refs->key);
    /* With the last recovery frame, all that it was to make up for is missing still. */
    bool more = refs->pending || (refs->clean_is_recovery && first <= refs->clean_from);
    refs->missing_from = more ? LM_MIN(refs->missing_from, *from) : *from;
    for (uint32_t i = 0; i < refs->count; i++)
        if (refs->frame[i] >= *from)
            refs->bad[i] = true;
    refs->pending = true;
    return ENCODE_REFS_BAD_FROM;
}

bool encode_refs_any(const struct encode_refs *refs)
{
    for (uint32_t i = 0; i < refs->count; i++)
        if (!refs->bad[i])
            return true;
    return false;
}

bool encode_refs_gap_wraps(const struct encode_refs *refs, uint32_t next, uint32_t period)
{
    if (!refs->pending || refs->missing_from <= refs->key)
        return false;
    return (next - 1 - refs->key) / period > (refs->missing_from - 1 - refs->key) / period;
}

static uint32_t newest_good(const struct encode_refs *refs)
{
    for (uint32_t i = 0; i < refs->count; i++)
        if (!refs->bad[i])
            return refs->frame[i];
    return refs->key;
}

void encode_refs_add(struct encode_refs *refs, uint32_t frame, bool key)
{
    if (key || refs->pending) {
        refs->clean_from = frame;
        refs->clean_is_recovery = !key;
        refs->clean_ref = newest_good(refs);
        refs->pending = false;
    }
    if (key) {
        refs->key = frame;
        refs->count = 0;
    }
    uint32_t kept = LM_MIN(refs->count, refs->capacity - 1);
    memmove(refs->frame + 1, refs->frame, kept * sizeof refs->frame[0]);
    memmove(refs->bad + 1, refs->bad, kept * sizeof refs->bad[0]);
    refs->frame[0] = frame;
    refs->bad[0] = false;
    refs->count = kept + 1;
}
