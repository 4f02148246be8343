/* Pixels on their way from the compositor to the encoder. An image borrows its planes from the
 * slot that holds it; whoever holds the slot may read (the producer alone writes, before it hands
 * the slot on). */
#ifndef LUMEN_MEDIA_IMAGE_H
#define LUMEN_MEDIA_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

enum image_format {
    IMAGE_BGRX = 1, /* 32 bits, bytes B G R X in memory (wl_shm XRGB8888) */
    IMAGE_NV12,     /* Y plane, then interleaved U V at half size, 8 bits */
};

enum { IMAGE_MAX_WIDTH = 16384, IMAGE_MAX_HEIGHT = 16384 };

/* Pixels; x + width and y + height stay within the image. Empty when width or height is 0. */
struct image_rect {
    uint32_t x, y, width, height;
};

struct image {
    enum image_format format;
    uint32_t width, height; /* pixels */
    uint8_t *plane[2];
    uint32_t stride_bytes[2];
    struct image_rect damage; /* what differs from the image handed out before this one */
    uint64_t captured_ns;     /* the compositor's time stamp of this picture */
    uint64_t ready_ns;        /* when the capturing thread had it */
};

static inline bool image_rect_is_empty(struct image_rect r)
{
    return r.width == 0 || r.height == 0;
}

/* The smallest rectangle that holds both; an empty one adds nothing. */
static inline struct image_rect image_rect_union(struct image_rect a, struct image_rect b)
{
    if (image_rect_is_empty(a))
        return b;
    if (image_rect_is_empty(b))
        return a;
    uint32_t x = a.x < b.x ? a.x : b.x, y = a.y < b.y ? a.y : b.y;
    uint32_t ax = a.x + a.width, ay = a.y + a.height;
    uint32_t bx = b.x + b.width, by = b.y + b.height;
    return (struct image_rect){x, y, (ax > bx ? ax : bx) - x, (ay > by ? ay : by) - y};
}

#endif
