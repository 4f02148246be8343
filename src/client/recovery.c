#include "client/recovery.h"

#include "core/base/check.h"

enum { SEARCH_BYTES = 1024 };

/* Types in the frame header that end a wait for other references. */
enum { TYPE_KEY = 2, TYPE_INTRA_REFRESH = 4, TYPE_AFTER_INVALIDATION = 5 };

/* NAL unit types of H.264. */
enum { NAL_IDR = 5, NAL_SEI = 6, NAL_SPS = 7, NAL_DELIMITER = 9 };

void recovery_init(struct recovery *r, bool can_invalidate)
{
    *r = (struct recovery){.can_invalidate = can_invalidate, .wait_key = true};
}

static void start_waiting(struct recovery *r)
{
    if (!r->wait_key && !r->wait_clean)
        r->dropped = 0;
}

enum recovery_ask recovery_lost(struct recovery *r, uint32_t first, uint32_t last)
{
    if (r->wait_key) /* the key frame itself may be what was lost */
        return RECOVERY_ASK_KEY;
    start_waiting(r);
    if (!r->can_invalidate || !r->had_key) {
        r->wait_key = true;
        return RECOVERY_ASK_KEY;
    }
    r->first = r->wait_clean ? LM_MIN(r->first, first) : first;
    r->last = last;
    r->wait_clean = true;
    return RECOVERY_ASK_INVALIDATE;
}

enum recovery_ask recovery_broken(struct recovery *r)
{
    if (r->wait_key)
        return RECOVERY_ASK_NOTHING;
    start_waiting(r);
    r->wait_key = true;
    r->wait_clean = false;
    return RECOVERY_ASK_KEY;
}

static void recovered(struct recovery *r)
{
    if (r->had_key)
        r->recoveries++;
    r->wait_key = r->wait_clean = false;
    r->dropped = 0;
}

static enum recovery_ask ask_again(struct recovery *r, uint32_t index)
{
    r->frames_dropped++;
    r->dropped++;
    if (r->dropped % RECOVERY_PATIENCE_FRAMES == 0)
        return RECOVERY_ASK_KEY;
    if (r->wait_key)
        return RECOVERY_ASK_NOTHING;
    r->last = index;
    return RECOVERY_ASK_INVALIDATE;
}

enum recovery_ask recovery_frame(struct recovery *r, uint32_t index, uint32_t type, bool key,
                                 bool *decode)
{
    bool clean = type == TYPE_KEY || type == TYPE_INTRA_REFRESH || type == TYPE_AFTER_INVALIDATION;
    *decode = true;
    if (key) {
        if (r->wait_key || r->wait_clean)
            recovered(r);
        r->had_key = true;
        r->keys++;
        return RECOVERY_ASK_NOTHING;
    }
    if (r->wait_clean && clean)
        recovered(r);
    if (!r->wait_key && !r->wait_clean)
        return RECOVERY_ASK_NOTHING;
    *decode = false;
    return ask_again(r, index);
}

bool recovery_is_key(const uint8_t *data, size_t size_bytes)
{
    size_t end = LM_MIN(size_bytes, (size_t)SEARCH_BYTES);
    for (size_t i = 0; i + 3 < end; i++) {
        if (data[i] != 0 || data[i + 1] != 0 || data[i + 2] != 1)
            continue;
        int type = data[i + 3] & 0x1F;
        if (type == NAL_SPS || type == NAL_IDR)
            return true;
        if (type != NAL_SEI && type != NAL_DELIMITER)
            return false;
        i += 3;
    }
    return false;
}
