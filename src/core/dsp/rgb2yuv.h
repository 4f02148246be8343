/* BGRX pixels into NV12: luma per pixel, chroma as the mean of 2x2 pixels. The C kernel is the
 * definition; every other one gives the same bytes. Pure functions; any thread. */
#ifndef LUMEN_CORE_DSP_RGB2YUV_H
#define LUMEN_CORE_DSP_RGB2YUV_H

#include <stdint.h>

enum { LM_RGB2YUV_SHIFT = 15 }; /* bits behind the point in the coefficients */

/* One matrix. Each value is |c| < 2^15, so that byte times coefficient fits 16 x 16 -> 32 bits. */
struct lm_rgb2yuv {
    int16_t y[3], u[3], v[3]; /* of B, G, R */
    int32_t y_bias, uv_bias;  /* offset and rounding; chroma is a sum of four pixels, shift + 2 */
};

/* Two rows. `top` and `bottom` are rows of `width` pixels of 4 bytes (the same row twice at an odd
 * bottom); exactly `width` rounded up to even bytes are written to each of y_top, y_bottom and uv.
 * An odd last column is taken twice. No alignment needed; sources and destinations do not overlap;
 * `y_top` and `y_bottom` may be the same. */
struct lm_rgb2yuv_rows {
    const uint8_t *top, *bottom;
    uint8_t *y_top, *y_bottom, *uv;
    uint32_t width; /* pixels, >= 1 */
};

typedef void lm_rgb2yuv_fn(const struct lm_rgb2yuv *matrix, const struct lm_rgb2yuv_rows *rows);

lm_rgb2yuv_fn lm_rgb2yuv_c;
lm_rgb2yuv_fn lm_rgb2yuv_avx2; /* only where built: x86-64 */

/* The matrix for luma weights kr, kb (0.299, 0.114 for BT.601). */
void lm_rgb2yuv_init(struct lm_rgb2yuv *matrix, double kr, double kb, int full_range);

/* The best kernel this processor runs. */
lm_rgb2yuv_fn *lm_rgb2yuv_best(void);

#endif
