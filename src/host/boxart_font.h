/* The letters on drawn box art: printable ASCII on a grid of 5x9, to be joined into strokes. */
#ifndef LUMEN_HOST_BOXART_FONT_H
#define LUMEN_HOST_BOXART_FONT_H

#include <stdint.h>

enum {
    BOXART_FONT_FIRST = ' ',
    BOXART_FONT_GLYPHS = 95,
    BOXART_FONT_ROWS = 9, /* 7 above the base line, 2 below */
    BOXART_FONT_COLUMNS = 5,
};

extern const uint8_t boxart_font[BOXART_FONT_GLYPHS][BOXART_FONT_ROWS];

#endif
