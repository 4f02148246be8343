/* The known colours of `painted-clock --pattern`: blocks of a quarter of the width and half of the
 * height, in reading order. The time stamp covers the top left corner of the first. */
#ifndef LUMEN_TOOLS_PAINTED_CLOCK_PATTERN_H
#define LUMEN_TOOLS_PAINTED_CLOCK_PATTERN_H

#include <stdint.h>

enum { PATTERN_COLUMNS = 4, PATTERN_ROWS = 2 };

/* 0xRRGGBB */
static const uint32_t pattern_colours[PATTERN_COLUMNS * PATTERN_ROWS] = {
    0xFFFFFF, 0xE0C020, 0x20C0C0, 0x20A030, 0xB030B0, 0xD02020, 0x2030D0, 0x101010};

static inline uint32_t pattern_colour_at(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    uint32_t column = x * PATTERN_COLUMNS / width, row = y * PATTERN_ROWS / height;
    return pattern_colours[row * PATTERN_COLUMNS + column];
}

#endif
