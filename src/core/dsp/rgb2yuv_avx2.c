#include "core/dsp/rgb2yuv.h"

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

enum { PIXELS = 32 }; /* per step and row */

struct vectors {
    __m256i y_br, y_g, u_br, u_g, v_br, v_g; /* pairs of 16 bits: B and R, G and nothing */
    __m256i y_bias, uv_bias;
};

static __m256i pair(int16_t low, int16_t high)
{
    return _mm256_set1_epi32((int32_t)((uint32_t)(uint16_t)low | (uint32_t)(uint16_t)high << 16));
}

/* The 8 dwords of a lane-wise pack of four vectors, back in order. */
static __m256i pack_bytes(const __m256i v[4])
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    __m256i low = _mm256_packs_epi32(v[0], v[1]);
    __m256i high = _mm256_packs_epi32(v[2], v[3]);
    return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high), order);
}

static __m256i weigh(__m256i br, __m256i g, __m256i c_br, __m256i c_g)
{
    return _mm256_add_epi32(_mm256_madd_epi16(br, c_br), _mm256_madd_epi16(g, c_g));
}

static __m256i luma(const struct vectors *k, __m256i br, __m256i g)
{
    __m256i sum = _mm256_add_epi32(weigh(br, g, k->y_br, k->y_g), k->y_bias);
    return _mm256_srai_epi32(sum, LM_RGB2YUV_SHIFT);
}

/* 8 pixels: U in the even and V in the odd dwords, so that four pairs give one vector. */
static __m256i chroma(const struct vectors *k, __m256i br, __m256i g)
{
    __m256i u = weigh(br, g, k->u_br, k->u_g), v = weigh(br, g, k->v_br, k->v_g);
    __m256i even = _mm256_blend_epi32(u, _mm256_slli_epi64(v, 32), 0xAA);
    __m256i odd = _mm256_blend_epi32(_mm256_srli_epi64(u, 32), v, 0xAA);
    __m256i sum = _mm256_add_epi32(_mm256_add_epi32(even, odd), k->uv_bias);
    return _mm256_srai_epi32(sum, LM_RGB2YUV_SHIFT + 2);
}

static void step(const struct vectors *k, const struct lm_rgb2yuv_rows *r, size_t x)
{
    const __m256i low_bytes = _mm256_set1_epi16(0xFF);
    __m256i y_top[4], y_bottom[4], uv[4];
    for (size_t i = 0; i < 4; i++) {
        size_t at = (x + i * 8) * 4;
        __m256i a = _mm256_loadu_si256((const __m256i *)(const void *)(r->top + at));
        __m256i b = _mm256_loadu_si256((const __m256i *)(const void *)(r->bottom + at));
        __m256i a_br = _mm256_and_si256(a, low_bytes), a_g = _mm256_srli_epi16(a, 8);
        __m256i b_br = _mm256_and_si256(b, low_bytes), b_g = _mm256_srli_epi16(b, 8);
        y_top[i] = luma(k, a_br, a_g);
        y_bottom[i] = luma(k, b_br, b_g);
        uv[i] = chroma(k, _mm256_add_epi16(a_br, b_br), _mm256_add_epi16(a_g, b_g));
    }
    _mm256_storeu_si256((__m256i *)(void *)(r->y_top + x), pack_bytes(y_top));
    _mm256_storeu_si256((__m256i *)(void *)(r->y_bottom + x), pack_bytes(y_bottom));
    _mm256_storeu_si256((__m256i *)(void *)(r->uv + x), pack_bytes(uv));
}

/* What is left of a row goes through buffers of one step: no access outside the rows. */
static void tail(const struct vectors *k, const struct lm_rgb2yuv_rows *r, size_t x)
{
    uint8_t in[2][PIXELS * 4] = {{0}}, out[3][PIXELS];
    size_t left = r->width - x, even = (left + 1) & ~(size_t)1;
    const uint8_t *source[2] = {r->top + x * 4, r->bottom + x * 4};
    for (size_t row = 0; row < 2; row++) {
        memcpy(in[row], source[row], left * 4);
        memcpy(in[row] + (even - 1) * 4, source[row] + (left - 1) * 4, 4);
    }
    struct lm_rgb2yuv_rows part = {in[0], in[1], out[0], out[1], out[2], PIXELS};
    step(k, &part, 0);
    memcpy(r->y_top + x, out[0], even);
    memcpy(r->y_bottom + x, out[1], even);
    memcpy(r->uv + x, out[2], even);
}

void lm_rgb2yuv_avx2(const struct lm_rgb2yuv *m, const struct lm_rgb2yuv_rows *rows)
{
    const struct vectors k = {
        .y_br = pair(m->y[0], m->y[2]),
        .y_g = pair(m->y[1], 0),
        .u_br = pair(m->u[0], m->u[2]),
        .u_g = pair(m->u[1], 0),
        .v_br = pair(m->v[0], m->v[2]),
        .v_g = pair(m->v[1], 0),
        .y_bias = _mm256_set1_epi32(m->y_bias),
        .uv_bias = _mm256_set1_epi32(m->uv_bias),
    };
    size_t x = 0;
    for (; x + PIXELS <= rows->width; x += PIXELS)
        step(&k, rows, x);
    if (x < rows->width)
        tail(&k, rows, x);
}
