/* Which frames may be decoded, and what to ask of the host after a loss. A frame that refers to
 * one we never had would show garbage, so frames are dropped until one comes that stands on
 * firm ground: a key frame, or one that the host made without the lost ones. Pure logic, owned by
 * the receive thread. */
#ifndef LUMEN_CLIENT_RECOVERY_H
#define LUMEN_CLIENT_RECOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RECOVERY_PATIENCE_FRAMES = 120 }; /* dropped before a key frame is asked for once more */

enum recovery_ask {
    RECOVERY_ASK_NOTHING = 1,
    RECOVERY_ASK_KEY,        /* control 0x0302 */
    RECOVERY_ASK_INVALIDATE, /* control 0x0301 with the range in `first` and `last` */
};

struct recovery {
    bool can_invalidate; /* the host offered it */
    bool had_key;
    bool wait_key, wait_clean; /* for a key frame; for one that avoids the lost ones */
    uint32_t first, last;      /* frames to avoid, while wait_clean */
    uint32_t dropped;          /* in a row */
    uint64_t frames_dropped, recoveries, keys;
};

/* Starts waiting for the first key frame; the host sends it unasked. */
void recovery_init(struct recovery *r, bool can_invalidate);

/* Frames first..last are lost. */
enum recovery_ask recovery_lost(struct recovery *r, uint32_t first, uint32_t last);

/* The decoder failed on some frame: only a key frame helps. */
enum recovery_ask recovery_broken(struct recovery *r);

/* A complete frame: true in *decode if it may be decoded. `type` is that of the frame header, `key`
 * what recovery_is_key says of its content. */
enum recovery_ask recovery_frame(struct recovery *r, uint32_t index, uint32_t type, bool key,
                                 bool *decode);

/* Whether an H.264 access unit (Annex B) can be decoded alone: behind delimiter and SEI comes a
 * parameter set or an IDR slice. Looks at no more than its first KiB. */
bool recovery_is_key(const uint8_t *data, size_t size_bytes);

#endif
