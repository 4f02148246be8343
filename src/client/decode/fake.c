/* Needs no codec: each non-empty frame gives a picture of one grey, its first byte; a frame whose
 * first byte is 0 counts as damaged. For tests. */
#include "client/decode/decode.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

struct fake {
    struct decode base;
    uint32_t width, height;
    size_t plane_bytes;
    uint8_t *pixels; /* luma of each slot, then grey chroma shared by all */
    bool taken[DECODE_SLOTS];
};

static struct fake *fake_of(struct decode *d)
{
    LM_CHECK(d->ops == &decode_fake);
    return (struct fake *)d;
}

static void fake_close(struct decode *d)
{
    struct fake *f = fake_of(d);
    free(f->pixels);
    free(f);
}

static int fake_open(const struct decode_params *params, struct decode **out)
{
    struct fake *f = calloc(1, sizeof *f);
    if (!f)
        return LM_ENOMEM;
    f->base.ops = &decode_fake;
    f->width = params->width;
    f->height = params->height;
    f->plane_bytes = (size_t)params->width * params->height;
    f->pixels = malloc(f->plane_bytes * (DECODE_SLOTS + 1));
    if (!f->pixels) {
        fake_close(&f->base);
        return LM_ENOMEM;
    }
    memset(f->pixels + f->plane_bytes * DECODE_SLOTS, 128, f->plane_bytes);
    *out = &f->base;
    return LM_OK;
}

static int fake_push(struct decode *d, const uint8_t *data, size_t size_bytes,
                     struct decode_picture *out)
{
    struct fake *f = fake_of(d);
    if (size_bytes == 0)
        return 0;
    if (data[0] == 0)
        return LM_EPROTO;
    for (uint32_t slot = 0; slot < DECODE_SLOTS; slot++) {
        if (f->taken[slot])
            continue;
        uint8_t *luma = f->pixels + f->plane_bytes * slot;
        const uint8_t *chroma = f->pixels + f->plane_bytes * DECODE_SLOTS;
        f->taken[slot] = true;
        memset(luma, data[0], f->plane_bytes);
        *out = (struct decode_picture){.slot = slot,
                                       .plane = {luma, chroma, chroma},
                                       .stride_bytes = {f->width, f->width / 2, f->width / 2},
                                       .width = f->width,
                                       .height = f->height,
                                       .key = true};
        return 1;
    }
    return LM_EFULL;
}

static void fake_give(struct decode *d, uint32_t slot)
{
    fake_of(d)->taken[slot] = false;
}

const struct decode_ops decode_fake = {
    .name = "fake",
    .codecs = 1 << DECODE_H264 | 1 << DECODE_HEVC | 1 << DECODE_AV1,
    .for_tests = true,
    .open = fake_open,
    .push = fake_push,
    .give = fake_give,
    .close = fake_close,
};
