/* A fixed gradient with a box that runs across it and a time stamp in the corner. Each slot
 * remembers where its own box is, so an image costs two boxes and a stamp, not a whole picture. */
#include "core/base/check.h"
#include "core/base/time.h"
#include "host/capture/backends.h"
#include "host/capture/slots.h"
#include "media/stamp.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 8, MIN_REFRESH_MHZ = 100, MAX_REFRESH_MHZ = 1000000 };

struct pattern {
    struct capture base; /* first: the seam casts */
    struct slots slots;
    struct image_rect drawn[CAPTURE_SLOTS]; /* the box in each slot; empty: none yet */
    struct image_rect last;                 /* the box of the image before */
    uint8_t *pixels;
    uint64_t period_ns, next_ns;
    uint32_t counter;
};

static struct pattern *downcast(struct capture *capture)
{
    LM_CHECK(capture->ops == &capture_pattern);
    return (struct pattern *)capture;
}

static void draw(struct image *image, struct image_rect rect, bool box, uint32_t counter)
{
    for (uint32_t y = rect.y; y < rect.y + rect.height; y++) {
        uint8_t *p = image->plane[0] + (size_t)y * image->stride_bytes[0] + (size_t)rect.x * 4;
        for (uint32_t x = rect.x; x < rect.x + rect.width; x++, p += 4) {
            p[0] = (uint8_t)(box ? (x ^ y) * 8 + counter * 16 : x * 255 / image->width);
            p[1] = (uint8_t)(box ? (x & 8) * 31 : y * 255 / image->height);
            p[2] = (uint8_t)(box ? (y & 8) * 31 : 64);
            p[3] = 0;
        }
    }
}

/* Below the stamp, from left to right and round again, a line lower each time. */
static struct image_rect box_at(const struct pattern *p, uint32_t counter)
{
    uint32_t width = LM_MAX(p->base.width / 4, 1u);
    uint32_t room_y = p->base.height > STAMP_HEIGHT ? p->base.height - STAMP_HEIGHT : 0;
    uint32_t height = (room_y + 3) / 4;
    uint32_t steps = (p->base.width - width) / STEP + 1;
    return (struct image_rect){
        .x = counter % steps * STEP,
        .y = STAMP_HEIGHT + (height ? counter / steps * STEP % (room_y - height + 1) : 0),
        .width = width,
        .height = height,
    };
}

static void paint(struct pattern *p, int slot, uint64_t now_ns)
{
    struct image *image = &p->slots.images[slot];
    struct image_rect box = box_at(p, p->counter);
    struct stamp stamp = {.counter = p->counter, .time_ns = now_ns};
    draw(image, p->drawn[slot], false, 0);
    draw(image, box, true, p->counter);
    struct image_rect stamp_rect = {0};
    if (stamp_draw_bgrx(&stamp, image->plane[0], image->stride_bytes[0], image->width,
                        image->height) == LM_OK)
        stamp_rect = (struct image_rect){0, 0, STAMP_WIDTH, STAMP_HEIGHT};
    image->damage = image_rect_union(image_rect_union(box, p->last), stamp_rect);
    if (p->counter == 0)
        image->damage = (struct image_rect){0, 0, image->width, image->height};
    image->captured_ns = image->ready_ns = now_ns;
    p->drawn[slot] = p->last = box;
    p->counter++;
}

static int dispatch(struct capture *capture, uint64_t now_ns, struct image **out)
{
    struct pattern *p = downcast(capture);
    slots_collect(&p->slots);
    p->base.wake_ns = p->next_ns;
    if (now_ns < p->next_ns)
        return LM_EAGAIN;
    int slot = slots_take(&p->slots);
    if (slot < 0) {
        /* Only a slot that comes back helps, and that wakes the descriptor. */
        p->base.wake_ns = LM_TIME_MAX;
        return LM_EAGAIN;
    }
    paint(p, slot, now_ns);
    /* Missed refreshes are left out. */
    p->next_ns = LM_MAX(p->next_ns, now_ns - now_ns % p->period_ns) + p->period_ns;
    p->base.wake_ns = p->next_ns;
    *out = &p->slots.images[slot];
    return LM_OK;
}

static void give(struct capture *capture, struct image *image)
{
    slots_give(&downcast(capture)->slots, image);
}

static void recycle(struct capture *capture, struct image *image)
{
    slots_recycle(&downcast(capture)->slots, image);
}

static void close_capture(struct capture *capture)
{
    struct pattern *p = downcast(capture);
    slots_finish(&p->slots);
    free(p->pixels);
    free(p);
}

static int make_slots(struct pattern *p)
{
    int rc = slots_init(&p->slots);
    if (rc < 0)
        return rc;
    uint32_t stride = p->base.width * 4;
    p->pixels = calloc(CAPTURE_SLOTS, (size_t)stride * p->base.height);
    if (!p->pixels)
        return LM_ENOMEM;
    for (uint32_t i = 0; i < CAPTURE_SLOTS; i++) {
        p->slots.images[i] = (struct image){
            .format = IMAGE_BGRX,
            .width = p->base.width,
            .height = p->base.height,
            .plane[0] = p->pixels + (size_t)i * stride * p->base.height,
            .stride_bytes[0] = stride,
        };
        struct image_rect whole = {0, 0, p->base.width, p->base.height};
        draw(&p->slots.images[i], whole, false, 0);
    }
    return LM_OK;
}

static int open_capture(const struct capture_params *params, struct capture **out)
{
    if (!params->width || params->width > IMAGE_MAX_WIDTH || !params->height ||
        params->height > IMAGE_MAX_HEIGHT || params->refresh_mhz < MIN_REFRESH_MHZ ||
        params->refresh_mhz > MAX_REFRESH_MHZ)
        return LM_EINVAL;
    struct pattern *p = calloc(1, sizeof *p);
    if (!p)
        return LM_ENOMEM;
    p->base =
        (struct capture){.ops = &capture_pattern, .width = params->width, .height = params->height};
    p->period_ns = 1000 * LM_NS_PER_S / params->refresh_mhz;
    int rc = make_slots(p);
    if (rc < 0) {
        close_capture(&p->base);
        return rc;
    }
    p->base.fd = p->slots.wake.fd;
    *out = &p->base;
    return LM_OK;
}

const struct capture_ops capture_pattern = {
    .name = "pattern",
    .open = open_capture,
    .dispatch = dispatch,
    .give = give,
    .recycle = recycle,
    .close = close_capture,
};
