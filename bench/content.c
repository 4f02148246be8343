#include "bench/content.h"

#include "core/base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TEXTURE = 1024, GLYPH_W = 9, GLYPH_H = 18 };

struct content {
    enum content_kind kind;
    struct image image;
    uint32_t *texture; /* TEXTURE x TEXTURE, wraps around; soft noise of several sizes */
};

static uint32_t hash(uint32_t v)
{
    v = (v ^ v >> 16) * 0x7feb352du;
    v = (v ^ v >> 15) * 0x846ca68bu;
    return v ^ v >> 16;
}

static uint32_t grey(int v)
{
    uint32_t g = (uint32_t)LM_CLAMP(v, 0, 255);
    return g << 16 | g << 8 | g;
}

/* Value noise: random values on a grid of `cell` pixels, smoothly mixed. */
static float noise(uint32_t x, uint32_t y, uint32_t cell, uint32_t seed)
{
    uint32_t n = TEXTURE / cell, gx = x / cell, gy = y / cell;
    float fx = (float)(x % cell) / (float)cell, fy = (float)(y % cell) / (float)cell;
    float v[4];
    for (uint32_t i = 0; i < 4; i++)
        v[i] = (float)(hash(((gx + (i & 1)) % n) * 7919 + ((gy + (i >> 1)) % n) * 104729 + seed) &
                       255);
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    return (v[0] * (1 - fx) + v[1] * fx) * (1 - fy) + (v[2] * (1 - fx) + v[3] * fx) * fy;
}

static void texture_init(uint32_t *texture)
{
    for (uint32_t y = 0; y < TEXTURE; y++)
        for (uint32_t x = 0; x < TEXTURE; x++) {
            uint32_t pixel = 0;
            for (uint32_t c = 0; c < 3; c++) {
                float v = noise(x, y, 128, c) * 0.5f + noise(x, y, 32, c + 9) * 0.3f +
                          noise(x, y, 8, 5) * 0.15f + noise(x, y, 2, 6) * 0.05f;
                pixel |= (uint32_t)v << (8 * c);
            }
            texture[y * TEXTURE + x] = pixel;
        }
}

struct content *content_create(enum content_kind kind, uint32_t width, uint32_t height)
{
    struct content *c = calloc(1, sizeof *c);
    LM_CHECK(c);
    c->kind = kind;
    c->image = (struct image){.format = IMAGE_BGRX, .width = width, .height = height};
    c->image.stride_bytes[0] = width * 4;
    c->image.plane[0] = malloc((size_t)width * height * 4);
    c->texture = malloc(sizeof(uint32_t) * TEXTURE * TEXTURE);
    LM_CHECK(c->image.plane[0] && c->texture);
    texture_init(c->texture);
    return c;
}

void content_destroy(struct content *c)
{
    if (!c)
        return;
    free(c->image.plane[0]);
    free(c->texture);
    free(c);
}

static uint32_t *row_of(struct content *c, uint32_t y)
{
    return (uint32_t *)(void *)(c->image.plane[0] + (size_t)y * c->image.stride_bytes[0]);
}

/* A pixel of line `line` of an endless text: strokes with soft edges on a 9 x 18 grid. */
static uint32_t text_pixel(uint32_t x, uint32_t y, uint32_t paper, uint32_t ink)
{
    uint32_t line = y / GLYPH_H, column = x / GLYPH_W, gx = x % GLYPH_W, gy = y % GLYPH_H;
    uint32_t h = hash(line * 977 + column);
    if (column >= 20 + hash(line) % 90 || h % 7 == 0 || gx > 6 || gy < 3 || gy > 14)
        return paper;
    bool vertical = gx == (h >> 4) % 6 || gx == (h >> 8) % 6;
    bool horizontal = gy == 4 + (h >> 12) % 5 || gy == 9 + (h >> 16) % 5;
    if (vertical || (horizontal && gx < 6))
        return ink;
    bool edge = gx == (h >> 4) % 6 + 1 || gy == 5 + (h >> 12) % 5;
    return edge ? (paper >> 1 & 0x7F7F7F) + (ink >> 1 & 0x7F7F7F) : paper;
}

static void draw_wallpaper(struct content *c)
{
    for (uint32_t y = 0; y < c->image.height; y++)
        for (uint32_t x = 0; x < c->image.width; x++)
            row_of(c, y)[x] = c->texture[(y / 2 % TEXTURE) * TEXTURE + x / 2 % TEXTURE];
}

static void draw_text(struct content *c, struct image_rect r, uint32_t scroll, bool dark)
{
    for (uint32_t y = r.y; y < r.y + r.height; y++)
        for (uint32_t x = r.x; x < r.x + r.width; x++)
            row_of(c, y)[x] = text_pixel(x - r.x, y - r.y + scroll, dark ? 0x1E1E28 : 0xFAFAFA,
                                         dark ? 0xD0D0C0 : 0x202020);
}

static void draw_scroll(struct content *c, uint32_t index)
{
    uint32_t w = c->image.width, h = c->image.height;
    struct image_rect window = {w / 16, h / 16, w * 3 / 4, h * 7 / 8};
    if (index == 0) {
        draw_wallpaper(c);
        draw_text(c, (struct image_rect){w * 13 / 16, 0, w * 3 / 16, h}, 0, true);
    }
    draw_text(c, window, index * 4, false);
    c->image.damage = index ? window : (struct image_rect){0, 0, w, h};
}

static void draw_typing(struct content *c, uint32_t index)
{
    uint32_t w = c->image.width, h = c->image.height;
    if (index == 0) {
        draw_wallpaper(c);
        draw_text(c, (struct image_rect){w / 16, h / 16, w * 3 / 4, h * 7 / 8}, 0, false);
    }
    struct image_rect r = {w / 16 + index % 60 * GLYPH_W, h / 2, GLYPH_W, GLYPH_H};
    draw_text(c, r, hash(index) % 4000 / GLYPH_H * GLYPH_H, false);
    c->image.damage = index ? r : (struct image_rect){0, 0, w, h};
}

static void draw_game(struct content *c, uint32_t index)
{
    uint32_t w = c->image.width, h = c->image.height;
    float angle = 0.004f * (float)index, zoom = 0.6f + 0.25f * sinf(0.02f * (float)index);
    int32_t dx = (int32_t)(cosf(angle) * zoom * 65536), dy = (int32_t)(sinf(angle) * zoom * 65536);
    for (uint32_t y = 0; y < h; y++) {
        uint32_t *row = row_of(c, y);
        int32_t cy = (int32_t)y - (int32_t)h / 2, cx = -(int32_t)w / 2;
        uint32_t u = (uint32_t)(cx * dx - cy * dy) + index * 150000u;
        uint32_t v = (uint32_t)(cx * dy + cy * dx) + index * 90000u;
        for (uint32_t x = 0; x < w; x++, u += (uint32_t)dx, v += (uint32_t)dy) {
            uint32_t pixel = c->texture[(v >> 16) % TEXTURE * TEXTURE + (u >> 16) % TEXTURE];
            uint32_t grain = hash(x + y * w + index * 15485863u) & 3;
            row[x] = (pixel & 0xFCFCFC) + grain * 0x010101;
        }
    }
    for (uint32_t s = 0; s < 24; s++) {
        uint32_t size = 24 + hash(s) % 70, speed = 3 + s % 9;
        uint32_t sx = (hash(s + 50) + index * speed) % (w - size), sy = hash(s + 99) % (h - size);
        for (uint32_t y = 0; y < size; y++)
            for (uint32_t x = 0; x < size; x++)
                row_of(c, sy + y)[sx + x] =
                    (x ^ y) & 8 ? hash(s) & 0xFFFFFF : grey((int)((x + y) * 255 / (2 * size)));
    }
    draw_text(c, (struct image_rect){8, h - 40, w / 3, 36}, index / 30 * GLYPH_H, true);
    c->image.damage = (struct image_rect){0, 0, w, h};
}

const struct image *content_draw(struct content *c, uint32_t index)
{
    if (c->kind == CONTENT_SCROLL)
        draw_scroll(c, index);
    else if (c->kind == CONTENT_TYPING)
        draw_typing(c, index);
    else
        draw_game(c, index);
    return &c->image;
}
