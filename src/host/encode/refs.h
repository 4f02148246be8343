/* Which frames the decoder can still use as references: the encoder's picture buffer mirrored, with
 * what the client reported lost. Pure; one thread. */
#ifndef LUMEN_HOST_ENCODE_REFS_H
#define LUMEN_HOST_ENCODE_REFS_H

#include <stdbool.h>
#include <stdint.h>

enum { ENCODE_REFS_MAX = 16 };

struct encode_refs {
    uint32_t capacity;               /* frames the decoder keeps */
    uint32_t count;                  /* since the last key frame, at most capacity */
    uint32_t frame[ENCODE_REFS_MAX]; /* newest first */
    bool bad[ENCODE_REFS_MAX];
    uint32_t key;        /* the last key frame */
    uint32_t clean_from; /* the last key or recovery frame: what follows depends on it, ... */
    uint32_t clean_ref;  /* ... and on this older frame and its ancestors; for recovery only */
    bool clean_is_recovery;
    bool pending;          /* the next frame must recover */
    uint32_t missing_from; /* what the decoder misses then begins with this frame */
};

enum encode_refs_answer {
    ENCODE_REFS_NOTHING = 1, /* already answered, or not ours: go on */
    ENCODE_REFS_BAD_FROM,    /* *from and everything after it must not be referenced */
};

void encode_refs_init(struct encode_refs *refs, uint32_t capacity);

/* The client lost first..last. */
enum encode_refs_answer encode_refs_lose(struct encode_refs *refs, uint32_t first, uint32_t last,
                                         uint32_t *from);

/* Is there a good frame to refer to? */
bool encode_refs_any(const struct encode_refs *refs);

/* Is one of the frames that the decoder misses when it gets frame `next` a multiple of `period`
 * frames after the key frame? */
bool encode_refs_gap_wraps(const struct encode_refs *refs, uint32_t next, uint32_t period);

/* A frame was encoded; a key frame empties the buffer first. */
void encode_refs_add(struct encode_refs *refs, uint32_t frame, bool key);

#endif
