/* Moving pictures that look like what people stream, drawn without any file: the same numbers on
 * every machine. */
#ifndef LUMEN_BENCH_CONTENT_H
#define LUMEN_BENCH_CONTENT_H

#include "media/image.h"

enum content_kind {
    CONTENT_SCROLL = 1, /* a desktop: a text window scrolls, the rest stands still */
    CONTENT_GAME,       /* everything moves: zooming noise texture, gradients, sprites, grain */
    CONTENT_TYPING,     /* a still desktop, one line of text grows */
};

struct content;

struct content *content_create(enum content_kind kind, uint32_t width, uint32_t height);
void content_destroy(struct content *content);

/* Picture `index`, BGRX, with the damage since the picture before; valid until the next call. */
const struct image *content_draw(struct content *content, uint32_t index);

#endif
