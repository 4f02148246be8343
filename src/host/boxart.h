/* Box art for applications that bring none: a dark gradient whose hue comes from the name, an
 * emblem, and the name. Pure: the same name gives the same picture. */
#ifndef LUMEN_HOST_BOXART_H
#define LUMEN_HOST_BOXART_H

#include "core/base/err.h"

#include <stddef.h>
#include <stdint.h>

enum { BOXART_WIDTH = 600, BOXART_HEIGHT = 800 };

enum boxart_emblem {
    BOXART_EMBLEM_SCREEN = 1, /* the desktop itself */
    BOXART_EMBLEM_TILE,       /* a program: its initial on a tile */
};

/* A PNG, to be freed with free(). LM_ENOMEM, LM_EIO when libpng refuses. */
int boxart_draw(const char *name, enum boxart_emblem emblem, uint8_t **png,
                size_t *png_bytes) LM_MUST_USE;

#endif
