#include "core/dsp/rgb2yuv.h"

#include "core/dsp/cpu.h"

#include <stddef.h>

static int16_t coefficient(double value)
{
    double scaled = value * (1 << LM_RGB2YUV_SHIFT);
    return (int16_t)(scaled < 0 ? scaled - 0.5 : scaled + 0.5);
}

/* Rounding must not tint greys: the green coefficient takes what the other two leave of the sum. */
void lm_rgb2yuv_init(struct lm_rgb2yuv *m, double kr, double kb, int full_range)
{
    const int32_t one = 1 << LM_RGB2YUV_SHIFT;
    double scale_y = full_range ? 1.0 : 219.0 / 255.0;
    double scale_c = full_range ? 1.0 : 224.0 / 255.0;
    int32_t y_sum = full_range ? one : coefficient(scale_y); /* one itself needs 17 bits */
    m->y[0] = coefficient(kb * scale_y);
    m->y[2] = coefficient(kr * scale_y);
    m->y[1] = (int16_t)(y_sum - m->y[0] - m->y[2]);
    m->u[0] = coefficient(0.5 * scale_c);
    m->u[2] = coefficient(-kr / (1 - kb) * 0.5 * scale_c);
    m->u[1] = (int16_t) - (m->u[0] + m->u[2]);
    m->v[2] = m->u[0];
    m->v[0] = coefficient(-kb / (1 - kr) * 0.5 * scale_c);
    m->v[1] = (int16_t) - (m->v[2] + m->v[0]);
    m->y_bias = (full_range ? 0 : 16 * one) + one / 2;
    m->uv_bias = 128 * 4 * one + 2 * one;
}

static uint8_t clamp_u8(int32_t v)
{
    return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

static uint8_t luma(const struct lm_rgb2yuv *m, const uint8_t *p)
{
    return clamp_u8((m->y[0] * p[0] + m->y[1] * p[1] + m->y[2] * p[2] + m->y_bias) >>
                    LM_RGB2YUV_SHIFT);
}

static uint8_t chroma(const int16_t c[3], const int32_t sum[3], int32_t bias)
{
    return clamp_u8((c[0] * sum[0] + c[1] * sum[1] + c[2] * sum[2] + bias) >>
                    (LM_RGB2YUV_SHIFT + 2));
}

void lm_rgb2yuv_c(const struct lm_rgb2yuv *m, const struct lm_rgb2yuv_rows *rows)
{
    for (uint32_t x = 0; x < rows->width; x += 2) {
        uint32_t right = x + 1 < rows->width ? 4 : 0;
        const uint8_t *a = rows->top + (size_t)x * 4, *b = rows->bottom + (size_t)x * 4;
        int32_t sum[3];
        for (uint32_t c = 0; c < 3; c++)
            sum[c] = a[c] + a[right + c] + b[c] + b[right + c];
        rows->y_top[x] = luma(m, a);
        rows->y_top[x + 1] = luma(m, a + right);
        rows->y_bottom[x] = luma(m, b);
        rows->y_bottom[x + 1] = luma(m, b + right);
        rows->uv[x] = chroma(m->u, sum, m->uv_bias);
        rows->uv[x + 1] = chroma(m->v, sum, m->uv_bias);
    }
}

lm_rgb2yuv_fn *lm_rgb2yuv_best(void)
{
#if defined(__x86_64__)
    if (lm_cpu_flags() & LM_CPU_AVX2)
        return lm_rgb2yuv_avx2;
#endif
    return lm_rgb2yuv_c;
}
