/* What the painted clock shows, drawn incrementally: a stamp in the corner of every picture, and
 * content below it that moves as the mode says. Pictures go round through several buffers; all
 * start with paint_background and are then only touched where they must change. */
#ifndef LUMEN_TOOLS_PAINTED_CLOCK_PAINT_H
#define LUMEN_TOOLS_PAINTED_CLOCK_PAINT_H

#include "core/base/err.h"
#include "media/image.h"

#include <stdint.h>

enum paint_motion {
    PAINT_NONE = 1, /* the stamp alone changes */
    PAINT_SCROLL,   /* lines of small text run upwards */
    PAINT_VIDEO,    /* a picture that zooms, with patches of noise flying across */
    PAINT_PATTERN,  /* as none, over the colours of pattern.h */
};

struct paint {
    enum paint_motion motion;
    uint32_t width, height; /* pixels */
    uint32_t random;
    uint32_t *text;    /* scroll: TEXT_PERIOD rows and one screen more */
    uint32_t *texture; /* video: square */
    uint32_t *noise;   /* video */
    uint16_t *columns; /* video: texture column of each pixel column */
};

/* Rows are width * 4 bytes. LM_ENOMEM; finish in any case. */
int paint_init(struct paint *paint, enum paint_motion motion, uint32_t width,
               uint32_t height) LM_MUST_USE;
void paint_finish(struct paint *paint);

void paint_background(const struct paint *paint, uint32_t *pixels);

/* Writes the number of changed rectangles, at most 2, into rects and returns it. */
int paint_picture(struct paint *paint, uint32_t *pixels, uint32_t counter, uint64_t now_ns,
                  struct image_rect rects[2]);

#endif
