/* Seam: one frame into one picture. Used by the decode thread alone. A picture lives in a slot of
 * the decoder until it is given back, so that another thread may look at it meanwhile without a
 * copy. */
#ifndef LUMEN_CLIENT_DECODE_DECODE_H
#define LUMEN_CLIENT_DECODE_DECODE_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum decode_codec { DECODE_H264 = 1, DECODE_HEVC, DECODE_AV1 };

enum {
    DECODE_SLOTS = 4,         /* shown, waiting, being decoded, and one to spare */
    DECODE_PADDING_BYTES = 64 /* readable behind each frame handed in */
};

/* 8-bit planar 4:2:0. Borrowed until decode_give of its slot. */
struct decode_picture {
    uint32_t slot; /* 0..DECODE_SLOTS - 1 */
    const uint8_t *plane[3];
    uint32_t stride_bytes[3];
    uint32_t width, height; /* of luma */
    bool full_range;
    bool bt709; /* else BT.601 */
    bool key;   /* decodes alone */
};

struct decode_params {
    enum decode_codec codec;
    uint32_t width, height;
    uint32_t threads; /* for slices of one frame; 0: as many as useful */
};

struct decode;

struct decode_ops {
    const char *name;
    int codecs;     /* bit 1 << enum decode_codec */
    bool for_tests; /* only when asked for by name */
    int (*open)(const struct decode_params *params, struct decode **out);
    int (*push)(struct decode *d, const uint8_t *data, size_t size_bytes,
                struct decode_picture *out);
    void (*give)(struct decode *d, uint32_t slot);
    void (*close)(struct decode *d);
};

struct decode {
    const struct decode_ops *ops;
};

extern const struct decode_ops decode_avcodec, decode_fake;

/* The first backend that does it; `name` NULL: any but those for tests. LM_EUNSUPPORTED: none. */
int decode_open(const char *name, const struct decode_params *params,
                struct decode **out) LM_MUST_USE;
/* All slots are given back with it. */
void decode_close(struct decode *d);

/* Whether a backend in this build knows the codec. */
bool decode_knows(enum decode_codec codec);

/* One access unit with DECODE_PADDING_BYTES readable zero bytes behind it. 1: the picture is in
 * *out and its slot is taken. 0: no picture for it. LM_EPROTO: the frame is damaged, nothing may be
 * shown until the next key frame. LM_EFULL: all slots are taken. */
int decode_push(struct decode *d, const uint8_t *data, size_t size_bytes,
                struct decode_picture *out) LM_MUST_USE;

/* The picture of `slot` is no longer looked at. */
void decode_give(struct decode *d, uint32_t slot);

#endif
