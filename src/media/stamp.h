/* A time stamp that a machine reads back from pixels, also after lossy video coding: the painted
 * clock draws it, the client finds it in decoded luma. It lies in the top left corner: two rows of
 * 56 blocks of 8x8 pixels, 448x16 in all; a block is one bit, white = 1, black = 0, most
 * significant bit first: magic (16 bits), counter (32), time (48), CRC-16 of those 12 bytes (16).
 * Pure functions; any thread. */
#ifndef LUMEN_MEDIA_STAMP_H
#define LUMEN_MEDIA_STAMP_H

#include "core/base/err.h"

#include <stdint.h>

enum {
    STAMP_BLOCK = 8,                              /* pixels, both ways */
    STAMP_COLUMNS = 56,                           /* blocks per row */
    STAMP_ROWS = 2,                               /* rows of blocks */
    STAMP_WIDTH = STAMP_COLUMNS * STAMP_BLOCK,    /* 448 pixels */
    STAMP_HEIGHT = STAMP_ROWS * STAMP_BLOCK,      /* 16 pixels */
    STAMP_BYTES = STAMP_COLUMNS * STAMP_ROWS / 8, /* 14 */
    STAMP_MAGIC = 0xA5C3,
    STAMP_THRESHOLD = 128, /* luma at and above it is a 1 */
};

struct stamp {
    uint32_t counter; /* one more for each painted picture */
    uint64_t time_ns; /* CLOCK_MONOTONIC when painted; travels in units of 1024 ns, 48 bits */
};

/* The 14 bytes that a stamp stands for. */
void stamp_encode(const struct stamp *stamp, uint8_t out[STAMP_BYTES]);

/* LM_ENOENT without the magic, LM_ECORRUPT when the CRC does not match. */
int stamp_decode(const uint8_t in[STAMP_BYTES], struct stamp *out) LM_MUST_USE;

/* Draws into the top left corner of BGRX memory of `width` x `height` pixels; every pixel of the
 * 448x16 area is written. LM_EINVAL when the image is smaller than that. */
int stamp_draw_bgrx(const struct stamp *stamp, uint8_t *pixels, uint32_t stride_bytes,
                    uint32_t width, uint32_t height) LM_MUST_USE;

/* Reads from a plane of 8-bit luma (full or limited range). LM_EINVAL when the image is too small,
 * else as stamp_decode. `time_ns` comes back rounded down to a multiple of 1024. */
int stamp_read_luma(const uint8_t *luma, uint32_t stride_bytes, uint32_t width, uint32_t height,
                    struct stamp *out) LM_MUST_USE;

#endif
