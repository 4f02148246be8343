/* The decode thread: frames in from the receive thread, the newest picture out to the main thread,
 * and what a picture tells: the time stamp painted into it. */
#ifndef LUMEN_CLIENT_VIEWER_H
#define LUMEN_CLIENT_VIEWER_H

#include "client/decode/decode.h"
#include "client/ending.h"
#include "client/stats.h"

enum { VIEWER_SLOTS = 8 }; /* frames on their way to the decoder */

struct viewer_params {
    const char *decoder; /* NULL: the best */
    struct decode_params decode;
    uint32_t max_frame_bytes;
    bool read_stamps;
    struct ending *ending;       /* borrowed until destroy */
    struct lm_wake *receive;     /* signalled when the decoder failed; borrowed */
    void (*picture)(void *user); /* decode thread: a new picture waits; may be NULL */
    void *user;
};

struct viewer_frame {
    const uint8_t *data; /* copied */
    size_t size_bytes;
    bool key;
    uint64_t complete_ns;
};

struct viewer_results {
    uint64_t frames, pictures, errors;
    uint64_t first_picture_ns; /* 0: none */
    uint32_t width, height;    /* of the last picture */
    struct stats_spread decode;
    struct stats_pattern pattern;
};

struct viewer;

/* Main thread, as all below unless said. LM_EUNSUPPORTED: no decoder; LM_ENOMEM, LM_EIO. */
int viewer_create(const struct viewer_params *params, struct viewer **out) LM_MUST_USE;
int viewer_start(struct viewer *v) LM_MUST_USE;
void viewer_stop(struct viewer *v);
void viewer_destroy(struct viewer *v);

/* The receive thread. LM_EFULL: decoding is behind by VIEWER_SLOTS frames, this one counts as
 * lost; LM_ELIMIT: larger than max_frame_bytes. */
int viewer_push(struct viewer *v, const struct viewer_frame *frame) LM_MUST_USE;

/* The receive thread: true once after the decoder failed; nothing but a key frame is decoded until
 * then. */
bool viewer_take_broken(struct viewer *v);

/* Takes the newest picture; false when there is none since the last. It stays readable until given
 * back; hold at most two. */
bool viewer_take_picture(struct viewer *v, struct decode_picture *out) LM_MUST_USE;
void viewer_give_picture(struct viewer *v, uint32_t slot);

/* Any thread: pictures decoded so far. */
uint64_t viewer_pictures(const struct viewer *v);

/* After viewer_stop. Borrowed until destroy. */
const struct viewer_results *viewer_results(const struct viewer *v);

#endif
