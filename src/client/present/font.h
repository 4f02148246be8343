/* A small built-in font for the statistics: 5x7 pixels, capitals, digits and some signs. Pure
 * functions; any thread. */
#ifndef LUMEN_CLIENT_PRESENT_FONT_H
#define LUMEN_CLIENT_PRESENT_FONT_H

#include <stdint.h>

enum {
    FONT_CELL_WIDTH = 6, /* with the gaps */
    FONT_CELL_HEIGHT = 9,
};

/* Draws lines of text (small letters as capitals, unknown signs as blanks) in 32-bit pixels,
 * starting at the top left corner and cut at the edges. Only pixels of letters are written. */
void font_draw(const char *text, uint32_t colour, uint32_t *pixels, uint32_t width, uint32_t height,
               uint32_t stride_pixels);

#endif
