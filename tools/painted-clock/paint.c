#include "paint.h"

#include "core/base/check.h"
#include "media/stamp.h"
#include "pattern.h"

#include <stdlib.h>
#include <string.h>

enum {
    TEXT_PERIOD = 1024, /* rows until the text repeats */
    TEXT_STEP = 4,      /* rows per picture */
    CELL_WIDTH = 8,
    CELL_HEIGHT = 16,
    TEXTURE_SIZE = 1024, /* a power of two */
    NOISE_PIXELS = 1 << 18,
    PATCHES = 6,
    PATCH_SIZE = 128,
};

#define PAPER 0x00F8F8F0u
#define INK   0x00202428u

static uint32_t next_random(struct paint *p)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 17;
    p->random ^= p->random << 5;
    return p->random;
}

static uint32_t moving_rows(const struct paint *p)
{
    return p->height > STAMP_HEIGHT ? p->height - STAMP_HEIGHT : 0;
}

/* Strokes on a 3x5 grid of thick dots: not letters, but as hard to encode as letters. */
static void draw_glyph(uint32_t *at, uint32_t stride, uint32_t bits)
{
    for (uint32_t y = 0; y < 10; y++)
        for (uint32_t x = 0; x < 6; x++)
            if (bits >> (y / 2 * 3 + x / 2) & 1)
                at[y * stride + x] = INK;
}

static int make_text(struct paint *p)
{
    uint32_t rows = TEXT_PERIOD + moving_rows(p);
    p->text = malloc((size_t)rows * p->width * 4);
    if (!p->text)
        return LM_ENOMEM;
    for (size_t i = 0; i < (size_t)TEXT_PERIOD * p->width; i++)
        p->text[i] = PAPER;
    for (uint32_t y = 0; y + CELL_HEIGHT <= TEXT_PERIOD; y += CELL_HEIGHT)
        for (uint32_t x = CELL_WIDTH; x + CELL_WIDTH <= p->width; x += CELL_WIDTH)
            if (next_random(p) % 6)
                draw_glyph(p->text + (size_t)(y + 3) * p->width + x, p->width, next_random(p));
    for (uint32_t y = TEXT_PERIOD; y < rows; y++)
        memcpy(p->text + (size_t)y * p->width, p->text + (size_t)(y % TEXT_PERIOD) * p->width,
               (size_t)p->width * 4);
    return LM_OK;
}

static int make_video(struct paint *p)
{
    p->texture = malloc((size_t)TEXTURE_SIZE * TEXTURE_SIZE * 4);
    p->noise = malloc((size_t)NOISE_PIXELS * 4);
    p->columns = malloc(p->width * sizeof *p->columns);
    if (!p->texture || !p->noise || !p->columns)
        return LM_ENOMEM;
    for (uint32_t i = 0; i < NOISE_PIXELS; i++)
        p->noise[i] = next_random(p) & 0xFFFFFF;
    for (uint32_t y = 0; y < TEXTURE_SIZE; y++)
        for (uint32_t x = 0; x < TEXTURE_SIZE; x++) {
            uint32_t tile = (x >> 6 ^ y >> 6) * 37 & 0x7F;
            uint32_t grain = next_random(p) & 0x0F0F0F;
            uint32_t shade = (x * y >> 8 & 0x3F) + tile;
            p->texture[y * TEXTURE_SIZE + x] =
                (shade << 16 | (shade * 3 / 4) << 8 | (255 - shade)) ^ grain;
        }
    return LM_OK;
}

int paint_init(struct paint *paint, enum paint_motion motion, uint32_t width, uint32_t height)
{
    *paint = (struct paint){.motion = motion, .width = width, .height = height, .random = 2463534};
    if (motion == PAINT_SCROLL)
        return make_text(paint);
    return motion == PAINT_VIDEO ? make_video(paint) : LM_OK;
}

void paint_finish(struct paint *paint)
{
    free(paint->text);
    free(paint->texture);
    free(paint->noise);
    free(paint->columns);
    memset(paint, 0, sizeof *paint);
}

void paint_background(const struct paint *paint, uint32_t *pixels)
{
    for (uint32_t y = 0; y < paint->height; y++)
        for (uint32_t x = 0; x < paint->width; x++)
            pixels[(size_t)y * paint->width + x] =
                paint->motion == PAINT_PATTERN
                    ? pattern_colour_at(x, y, paint->width, paint->height)
                    : 0x203040u + (y * 64 / paint->height) * 0x10101u;
}

static void paint_scroll(const struct paint *p, uint32_t *pixels, uint32_t counter)
{
    uint32_t first = counter * TEXT_STEP % TEXT_PERIOD;
    memcpy(pixels + (size_t)STAMP_HEIGHT * p->width, p->text + (size_t)first * p->width,
           (size_t)moving_rows(p) * p->width * 4);
}

/* Up and down between 0 and top. */
static uint32_t triangle(uint32_t n, uint32_t top)
{
    n %= 2 * top;
    return n < top ? n : 2 * top - n;
}

static void paint_patch(struct paint *p, uint32_t *pixels, uint32_t counter, uint32_t index)
{
    uint32_t rows = moving_rows(p);
    uint32_t width = LM_MIN((uint32_t)PATCH_SIZE, p->width);
    uint32_t height = LM_MIN((uint32_t)PATCH_SIZE, rows);
    uint32_t x = triangle(counter * (5 + index) + index * 311, p->width - width + 1);
    uint32_t y = triangle(counter * (9 - index) + index * 173, rows - height + 1) + STAMP_HEIGHT;
    uint32_t from = next_random(p) % (NOISE_PIXELS - PATCH_SIZE * PATCH_SIZE);
    x = LM_MIN(x, p->width - width);
    y = LM_MIN(y, p->height - height);
    for (uint32_t row = 0; row < height; row++)
        memcpy(pixels + (size_t)(y + row) * p->width + x, p->noise + from + row * width, width * 4);
}

static void paint_video(struct paint *p, uint32_t *pixels, uint32_t counter)
{
    /* 16.16: a quarter to one texture pixel per pixel, so that many rows repeat the one above. */
    uint32_t scale = 0x4000 + triangle(counter, 256) * 0xC0;
    uint32_t mask = TEXTURE_SIZE - 1;
    const uint32_t *last = NULL;
    for (uint32_t x = 0; x < p->width; x++)
        p->columns[x] = (uint16_t)(((x - p->width / 2) * scale >> 16) & mask);
    for (uint32_t y = STAMP_HEIGHT; y < p->height; y++) {
        uint32_t row = ((y - p->height / 2) * scale >> 16) + counter;
        const uint32_t *from = p->texture + (size_t)(row & mask) * TEXTURE_SIZE;
        uint32_t *to = pixels + (size_t)y * p->width;
        if (from == last)
            memcpy(to, to - p->width, (size_t)p->width * 4);
        for (uint32_t x = 0; from != last && x < p->width; x++)
            to[x] = from[p->columns[x]];
        last = from;
    }
    if (moving_rows(p))
        for (uint32_t i = 0; i < PATCHES; i++)
            paint_patch(p, pixels, counter, i);
}

int paint_picture(struct paint *paint, uint32_t *pixels, uint32_t counter, uint64_t now_ns,
                  struct image_rect rects[2])
{
    int count = 0;
    struct stamp stamp = {.counter = counter, .time_ns = now_ns};
    if (stamp_draw_bgrx(&stamp, (uint8_t *)pixels, paint->width * 4, paint->width, paint->height) ==
        LM_OK)
        rects[count++] = (struct image_rect){0, 0, STAMP_WIDTH, STAMP_HEIGHT};
    if (paint->motion == PAINT_SCROLL)
        paint_scroll(paint, pixels, counter);
    else if (paint->motion == PAINT_VIDEO)
        paint_video(paint, pixels, counter);
    else
        return count;
    if (moving_rows(paint))
        rects[count++] = (struct image_rect){0, STAMP_HEIGHT, paint->width, moving_rows(paint)};
    return count;
}
