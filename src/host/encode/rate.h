/* Which quantiser a frame gets, chosen before it is encoded, from what changed in the picture and
 * from what earlier frames cost. It replaces the encoder's own rate control, whose look at a
 * half-size picture and re-encoded rows cost half of a frame's time. A frame aims at its share of
 * the bitrate, a surprise (another window, a cut) is met with a coarser quantiser and refined in
 * the frames after it. Pure computation; one thread. */
#ifndef LUMEN_HOST_ENCODE_RATE_H
#define LUMEN_HOST_ENCODE_RATE_H

#include "core/base/err.h"
#include "host/encode/encode.h"
#include "media/image.h"

#include <stdbool.h>

enum {
    ENCODE_RATE_QP_MIN = 4, /* with this, still text is no worse than what x264 makes of it */
    ENCODE_RATE_QP_MAX = 44,
};

struct encode_rate_params {
    uint32_t width, height; /* pixels */
    uint32_t refresh_mhz;
    uint32_t bitrate_kbps;
    uint32_t max_frame_bytes;
};

/* Bits that one unit of change costs at quantiser qp. */
struct encode_rate_anchor {
    double bits_per_unit;
    double qp;
    double slope; /* octaves of bits per step of the quantiser */
};

struct encode_rate {
    struct encode_rate_params params;
    uint8_t *before;            /* the sampled rows of the picture before */
    double frame_bits;          /* a frame's share of the bitrate */
    double debt_bits;           /* sent beyond the share, not yet saved; or below it */
    double inter, intra;        /* of this picture: change in time, change along the rows */
    double inter_before;        /* of recent pictures */
    double picture_qp;          /* mean quantiser of what the decoder shows */
    double damage_share;        /* 0..1 */
    double recent_damage_share; /* the largest of late, fading */
    struct encode_rate_anchor change, detail;
    double refine_factor; /* what refining costs, to what the detail would cost anew */
    double fresh_bits, moved_bits, refined_bits; /* expected of this frame */
    double moved_before; /* bits of the frame before when it was all motion, else 0 */
    int32_t moved_qp;    /* its quantiser */
    int32_t qp;
    enum encode_kind kind;
    bool primed;
};

/* LM_EINVAL or LM_ENOMEM. */
int encode_rate_init(struct encode_rate *rate, const struct encode_rate_params *params) LM_MUST_USE;
void encode_rate_finish(struct encode_rate *rate);

void encode_rate_set_bitrate(struct encode_rate *rate, uint32_t kbps);

/* Looks at the picture (NV12, its damage since the one before) and returns the quantiser. A
 * recovery frame refers to an older picture than that: much that moved since is out of reach, so it
 * is met like a surprise. */
int32_t encode_rate_next(struct encode_rate *rate, const struct image *picture,
                         enum encode_kind kind);

/* The frame came out with so many bits. */
void encode_rate_done(struct encode_rate *rate, uint64_t bits);

#endif
