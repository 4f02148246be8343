#include "host/boxart.h"

#include "core/base/check.h"
#include "host/boxart_font.h"

#include <math.h>
#include <png.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    PIXELS = BOXART_WIDTH * BOXART_HEIGHT,
    MAX_LETTERS = 64,
    MAX_LINES = 3,
    MIN_LINE_LETTERS = 12,
    MAX_LINE_LETTERS = 32, /* breaks MAX_LETTERS into at most MAX_LINES lines */
    TEXT_WIDTH = 480,
    TEXT_MIDDLE = 625,
    EMBLEM_MIDDLE = 300,
    UNKNOWN = 0, /* a letter that the font lacks, shown as a box */
};

struct colour {
    float r, g, b;
};

/* Shapes are drawn into the mask, where overlaps merge, and then painted at once. */
struct canvas {
    struct colour pixels[PIXELS];
    float mask[PIXELS];
};

struct point {
    float x, y;
};

static struct colour from_hsl(float hue, float saturation, float lightness)
{
    float out[3], reach = saturation * LM_MIN(lightness, 1 - lightness);
    for (int i = 0; i < 3; i++) {
        float k = fmodf((float)(i == 0 ? 0 : i == 1 ? 8 : 4) + hue * 12, 12);
        out[i] = lightness - reach * LM_CLAMP(LM_MIN(k - 3, 9 - k), -1.0f, 1.0f);
    }
    return (struct colour){out[0], out[1], out[2]};
}

static struct colour mix(struct colour a, struct colour b, float share)
{
    return (struct colour){a.r + (b.r - a.r) * share, a.g + (b.g - a.g) * share,
                           a.b + (b.b - a.b) * share};
}

/* --- shapes: the distance to an edge, less than 0 inside ------------------------------------- */

static float to_segment(struct point p, struct point a, struct point b)
{
    float dx = b.x - a.x, dy = b.y - a.y, length = dx * dx + dy * dy;
    float t = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0;
    t = LM_CLAMP(t, 0.0f, 1.0f);
    return hypotf(p.x - a.x - t * dx, p.y - a.y - t * dy);
}

static float to_box(struct point p, struct point middle, struct point half, float radius)
{
    float x = fabsf(p.x - middle.x) - half.x + radius, y = fabsf(p.y - middle.y) - half.y + radius;
    return hypotf(LM_MAX(x, 0.0f), LM_MAX(y, 0.0f)) + LM_MIN(LM_MAX(x, y), 0.0f) - radius;
}

static void cover(struct canvas *c, int x, int y, float distance)
{
    float share = LM_CLAMP(0.5f - distance, 0.0f, 1.0f), *at = &c->mask[y * BOXART_WIDTH + x];
    *at = LM_MAX(*at, share);
}

static void draw_stroke(struct canvas *c, struct point a, struct point b, float radius)
{
    int left = (int)LM_MAX(LM_MIN(a.x, b.x) - radius - 1, 0);
    int top = (int)LM_MAX(LM_MIN(a.y, b.y) - radius - 1, 0);
    int right = (int)LM_MIN(LM_MAX(a.x, b.x) + radius + 2, BOXART_WIDTH);
    int bottom = (int)LM_MIN(LM_MAX(a.y, b.y) + radius + 2, BOXART_HEIGHT);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++)
            cover(c, x, y, to_segment((struct point){x + 0.5f, y + 0.5f}, a, b) - radius);
}

/* Filled, or with line > 0 its outline of that width. */
static void draw_box(struct canvas *c, struct point middle, struct point half, float radius,
                     float line)
{
    for (int y = 0; y < BOXART_HEIGHT; y++)
        for (int x = 0; x < BOXART_WIDTH; x++) {
            float d = to_box((struct point){x + 0.5f, y + 0.5f}, middle, half, radius);
            cover(c, x, y, line > 0 ? fabsf(d) - line / 2 : d);
        }
}

/* Blends from `top` at y = from to `bottom` at y = to, where the mask is, and empties the mask. */
static void paint(struct canvas *c, struct colour top, struct colour bottom, float from, float to,
                  float opacity)
{
    for (int i = 0; i < PIXELS; i++) {
        if (c->mask[i] <= 0)
            continue;
        float y = ((float)(i / BOXART_WIDTH) - from) / (to - from);
        struct colour colour = mix(top, bottom, LM_CLAMP(y, 0.0f, 1.0f));
        c->pixels[i] = mix(c->pixels[i], colour, c->mask[i] * opacity);
        c->mask[i] = 0;
    }
}

/* --- text ------------------------------------------------------------------------------------ */

static bool lit(const uint8_t *glyph, int row, int column)
{
    return row < BOXART_FONT_ROWS && column >= 0 && column < BOXART_FONT_COLUMNS &&
           glyph[row] >> (BOXART_FONT_COLUMNS - 1 - column) & 1;
}

/* Joins the lit dots of the grid to strokes with round ends: straight neighbours always, slanting
 * ones where no straight way exists. */
static void draw_glyph(struct canvas *c, const uint8_t *glyph, struct point at, float unit)
{
    static const int8_t steps[4][2] = {{0, 1}, {1, 0}, {1, 1}, {1, -1}};
    float radius = unit * 0.41f;
    for (int i = 0; i < BOXART_FONT_ROWS * BOXART_FONT_COLUMNS; i++) {
        int row = i / BOXART_FONT_COLUMNS, column = i % BOXART_FONT_COLUMNS;
        if (!lit(glyph, row, column))
            continue;
        struct point from = {at.x + column * unit, at.y + row * unit};
        draw_stroke(c, from, from, radius);
        for (int s = 0; s < 4; s++) {
            int down = steps[s][0], over = steps[s][1];
            bool straight_way =
                down && over && (lit(glyph, row + down, column) || lit(glyph, row, column + over));
            if (!lit(glyph, row + down, column + over) || straight_way)
                continue;
            draw_stroke(c, from, (struct point){from.x + over * unit, from.y + down * unit},
                        radius);
        }
    }
}

static const uint8_t *glyph_of(uint8_t letter)
{
    static const uint8_t unknown[BOXART_FONT_ROWS] = {31, 17, 17, 17, 17, 17, 31};
    return letter == UNKNOWN ? unknown : boxart_font[letter - BOXART_FONT_FIRST];
}

/* The columns that a letter really uses. */
static int span_of(uint8_t letter, int *first_column)
{
    uint8_t columns = 0;
    const uint8_t *glyph = glyph_of(letter);
    for (int row = 0; row < BOXART_FONT_ROWS; row++)
        columns |= glyph[row];
    *first_column = columns ? __builtin_clz(columns) - (32 - BOXART_FONT_COLUMNS) : 0;
    return columns ? 32 - __builtin_clz(columns) - __builtin_ctz(columns) : 2;
}

/* Width of a line in columns: a letter's own and one of air between two. */
static int columns_of(const uint8_t *letters, int count)
{
    int columns = 0, first;
    for (int i = 0; i < count; i++)
        columns += span_of(letters[i], &first) + 1;
    return LM_MAX(columns - 1, 1);
}

/* Draws from the column that `at` is the top of; returns where the next letter goes. */
static float draw_letter(struct canvas *c, uint8_t letter, struct point at, float unit)
{
    int first, span = span_of(letter, &first);
    draw_glyph(c, glyph_of(letter), (struct point){at.x - first * unit, at.y}, unit);
    return at.x + (span + 1) * unit;
}

/* One letter per character of the UTF-8 text. */
static int letters_of(const char *name, uint8_t out[MAX_LETTERS])
{
    int count = 0;
    for (; *name && count < MAX_LETTERS; name++) {
        uint8_t byte = (uint8_t)*name;
        if ((byte & 0xc0) == 0x80)
            continue; /* the rest of a character */
        out[count++] = byte >= BOXART_FONT_FIRST && byte < BOXART_FONT_FIRST + BOXART_FONT_GLYPHS
                           ? byte
                           : UNKNOWN;
    }
    return count;
}

struct line {
    int first, count;
};

/* Breaks at blanks, or within a word that is longer than a line. Returns the number of lines, which
 * may exceed what was stored. */
static int break_lines(const uint8_t *letters, int count, int width, struct line lines[MAX_LINES])
{
    int found = 0;
    for (int at = 0; at < count; found++) {
        int end = LM_MIN(at + width, count), next = end;
        if (end < count)
            for (int i = end; i > at; i--)
                if (letters[i] == ' ') {
                    end = i;
                    next = i + 1;
                    break;
                }
        if (found < MAX_LINES)
            lines[found] = (struct line){at, end - at};
        at = next;
    }
    return found;
}

static void draw_name(struct canvas *c, const uint8_t *letters, int count)
{
    struct line lines[MAX_LINES];
    int width = MIN_LINE_LETTERS - 1, found, longest = 1;
    do {
        found = break_lines(letters, count, ++width, lines);
    } while (found > (width < 16 ? 2 : MAX_LINES) && width < MAX_LINE_LETTERS);
    found = LM_MIN(found, MAX_LINES);
    for (int i = 0; i < found; i++)
        longest = LM_MAX(longest, columns_of(letters + lines[i].first, lines[i].count));
    float unit = LM_MIN(9.0f, (float)TEXT_WIDTH / (float)longest), height = 11 * unit;
    for (int i = 0; i < found; i++) {
        const uint8_t *line = letters + lines[i].first;
        struct point at = {(BOXART_WIDTH - (columns_of(line, lines[i].count) - 1) * unit) / 2,
                           TEXT_MIDDLE + (i - found / 2.0f) * height + 2 * unit};
        for (int n = 0; n < lines[i].count; n++)
            at.x = draw_letter(c, line[n], at, unit);
    }
}

/* --- the picture ----------------------------------------------------------------------------- */

static void draw_background(struct canvas *c, float hue)
{
    struct colour top = from_hsl(hue, 0.42f, 0.25f), bottom = from_hsl(hue + 0.06f, 0.55f, 0.06f);
    struct colour glow = from_hsl(hue, 0.60f, 0.55f);
    for (int i = 0; i < PIXELS; i++) {
        float x = (float)(i % BOXART_WIDTH) - BOXART_WIDTH / 2.0f;
        float y = (float)(i / BOXART_WIDTH);
        float near = 1 - LM_MIN(hypotf(x, y - EMBLEM_MIDDLE) / 380, 1.0f);
        c->pixels[i] = mix(mix(top, bottom, y / BOXART_HEIGHT), glow, 0.22f * near * near);
    }
    struct point middle = {BOXART_WIDTH / 2.0f, EMBLEM_MIDDLE};
    for (float radius = 205; radius < 480; radius += 85) {
        draw_box(c, middle, (struct point){radius, radius}, radius, 2);
        paint(c, glow, glow, 0, 1, 0.26f - radius / 2000);
    }
}

static void draw_screen(struct canvas *c, float hue)
{
    struct colour light = from_hsl(hue, 0.55f, 0.93f), soft = from_hsl(hue, 0.50f, 0.72f);
    struct point middle = {BOXART_WIDTH / 2.0f, EMBLEM_MIDDLE - 22}, half = {138, 90};
    draw_box(c, middle, half, 20, 0);
    paint(c, from_hsl(hue, 0.45f, 0.20f), from_hsl(hue, 0.55f, 0.09f), 190, 370, 0.9f);
    draw_box(c, middle, half, 20, 11);
    draw_stroke(c, (struct point){300, 372}, (struct point){300, 410}, 11);
    draw_stroke(c, (struct point){236, 414}, (struct point){364, 414}, 6.5f);
    paint(c, light, soft, 180, 420, 1);
    draw_stroke(c, (struct point){214, 246}, (struct point){240, 270}, 6);
    draw_stroke(c, (struct point){240, 270}, (struct point){214, 294}, 6);
    draw_stroke(c, (struct point){262, 298}, (struct point){306, 298}, 6);
    paint(c, light, light, 0, 1, 0.9f);
}

static void draw_tile(struct canvas *c, float hue, uint8_t letter)
{
    struct point middle = {BOXART_WIDTH / 2.0f, EMBLEM_MIDDLE}, half = {122, 122};
    float unit = 21;
    if (letter >= 'a' && letter <= 'z')
        letter = (uint8_t)(letter - 'a' + 'A');
    draw_box(c, (struct point){middle.x, middle.y + 10}, half, 58, 0);
    paint(c, (struct colour){0}, (struct colour){0}, 0, 1, 0.28f);
    draw_box(c, middle, half, 58, 0);
    paint(c, from_hsl(hue, 0.62f, 0.60f), from_hsl(hue + 0.05f, 0.66f, 0.38f), 180, 420, 1);
    float left = middle.x - (columns_of(&letter, 1) - 1) * unit / 2;
    draw_letter(c, letter, (struct point){left, middle.y - 3 * unit}, unit);
    paint(c, from_hsl(hue, 0.5f, 0.98f), from_hsl(hue, 0.6f, 0.90f), 230, 370, 1);
}

static float hue_of(const char *name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 16777619u;
    return (float)(hash >> 8 & 0xffff) / 65536 + 0.47f; /* "Desktop" is blue */
}

/* An ordered pattern hides the steps of a dark gradient and still packs well. */
static uint8_t to_byte(float value, int x, int y)
{
    static const uint8_t order[16] = {0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5};
    float bias = (order[y % 4 * 4 + x % 4] + 0.5f) / 16;
    return (uint8_t)LM_CLAMP(value * 255 + bias, 0.0f, 255.0f);
}

static int write_png(const struct canvas *c, uint8_t *rgb, uint8_t **png, size_t *png_bytes)
{
    for (int i = 0; i < PIXELS; i++) {
        int x = i % BOXART_WIDTH, y = i / BOXART_WIDTH;
        rgb[i * 3] = to_byte(c->pixels[i].r, x, y);
        rgb[i * 3 + 1] = to_byte(c->pixels[i].g, x, y);
        rgb[i * 3 + 2] = to_byte(c->pixels[i].b, x, y);
    }
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .width = BOXART_WIDTH,
        .height = BOXART_HEIGHT,
        .format = PNG_FORMAT_RGB,
        .flags = PNG_IMAGE_FLAG_FAST,
    };
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *data = malloc(size);
    if (!data)
        return LM_ENOMEM;
    if (!png_image_write_to_memory(&image, data, &size, 0, rgb, 0, NULL)) {
        free(data);
        return LM_EIO;
    }
    uint8_t *fitted = realloc(data, size);
    *png = fitted ? fitted : data;
    *png_bytes = size;
    return LM_OK;
}

int boxart_draw(const char *name, enum boxart_emblem emblem, uint8_t **png, size_t *png_bytes)
{
    *png = NULL;
    *png_bytes = 0;
    int code = LM_ENOMEM;
    struct canvas *c = calloc(1, sizeof *c);
    uint8_t *rgb = malloc((size_t)PIXELS * 3);
    if (c && rgb) {
        uint8_t letters[MAX_LETTERS];
        int count = letters_of(name, letters);
        float hue = hue_of(name);
        draw_background(c, hue);
        if (emblem == BOXART_EMBLEM_SCREEN)
            draw_screen(c, hue);
        else
            draw_tile(c, hue, count ? letters[0] : UNKNOWN);
        draw_name(c, letters, count);
        paint(c, from_hsl(hue, 0.30f, 0.96f), from_hsl(hue, 0.30f, 0.86f), 580, 680, 1);
        code = write_png(c, rgb, png, png_bytes);
    }
    free(rgb);
    free(c);
    return code;
}
