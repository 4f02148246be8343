/* An encoder for tests: frames of the right size and form, the same for the same calls, that no
 * decoder would make a picture of. After the start code and NAL header of each slice come, in 7
 * bits per byte, the frame's index (5 bytes) and the slice's (1 byte). */
#include "core/base/check.h"
#include "host/encode/backends.h"
#include "host/encode/refs.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { REFERENCES = 6, KEY_FACTOR = 2, START_BYTES = 4, MARK_BYTES = 1 + 5 + 1 };

struct fake {
    struct encode encode;
    struct encode_params params;
    struct encode_refs refs;
};

static const uint8_t headers[] = {
    0,    0,    0,    1,    0x67, 100,  0,    42,
    0xAC, 0x2B, 0x40, 0x28, /* as long as real ones, not as true */
    0,    0,    0,    1,    0x68, 0xEE, 0x3C, 0x80,
};

static struct fake *fake_of(struct encode *encode)
{
    LM_CHECK(encode->ops == &encode_fake);
    return LM_CONTAINER_OF(encode, struct fake, encode);
}

static int fake_open(const struct encode_params *params, struct encode **out)
{
    struct fake *fake = calloc(1, sizeof *fake);
    if (!fake)
        return LM_ENOMEM;
    fake->encode = (struct encode){.ops = &encode_fake, .slices = params->slices};
    fake->params = *params;
    encode_refs_init(&fake->refs, params->reference_frames == 1 ? 1 : REFERENCES);
    *out = &fake->encode;
    return LM_OK;
}

static void fake_close(struct encode *encode)
{
    free(fake_of(encode));
}

/* Bytes of one slice without parameter sets; 1/8 more or less from frame to frame. */
static size_t slice_bytes(const struct fake *fake, uint32_t frame_index, bool key)
{
    const struct encode_params *p = &fake->params;
    uint64_t frame = (uint64_t)p->bitrate_kbps * 1000000 / 8 / p->refresh_mhz;
    frame = frame * (56 + frame_index * 37 % 15) / 64 * (key ? KEY_FACTOR : 1);
    frame = LM_MIN(frame, (uint64_t)p->max_frame_bytes - sizeof headers);
    return LM_MAX((size_t)(frame / p->slices), (size_t)START_BYTES + MARK_BYTES + 1);
}

static void write_slice(uint8_t *to, size_t size_bytes, uint32_t frame_index, uint32_t slice,
                        bool key)
{
    memcpy(to, (const uint8_t[]){0, 0, 0, 1, key ? 0x65 : 0x41}, START_BYTES + 1);
    for (uint32_t i = 0; i < 5; i++)
        to[START_BYTES + 1 + i] = (uint8_t)(0x80 | (frame_index >> (28 - 7 * i) & 0x7F));
    to[START_BYTES + 6] = (uint8_t)(0x80 | slice);
    /* No zero bytes: nothing that looks like a start code. */
    uint32_t state = frame_index * 2654435761u + slice;
    for (size_t i = START_BYTES + MARK_BYTES; i < size_bytes; i++) {
        state = state * 1664525u + 1013904223u;
        to[i] = (uint8_t)(state >> 24 | 1);
    }
}

static int fake_picture(struct encode *encode, const struct image *picture, uint32_t frame_index,
                        bool force_key, const struct encode_buffer *buffer, enum encode_kind *kind,
                        struct encode_result *result)
{
    struct fake *fake = fake_of(encode);
    LM_CHECK(picture->width == fake->params.width && picture->height == fake->params.height);
    bool key = force_key || !encode_refs_any(&fake->refs);
    *kind = key ? ENCODE_KIND_KEY : fake->refs.pending ? ENCODE_KIND_RECOVERY : ENCODE_KIND_P;
    *result = (struct encode_result){.kind = *kind, .qp = 26};
    size_t size = slice_bytes(fake, frame_index, key);
    if (size + sizeof headers > buffer->slice_capacity)
        return LM_ELIMIT;
    for (uint32_t i = 0; i < fake->params.slices; i++) {
        uint8_t *data = buffer->data + i * buffer->slice_capacity;
        size_t head = i == 0 && key ? sizeof headers : 0;
        memcpy(data, headers, head);
        write_slice(data + head, size, frame_index, i, key);
        fake->params.on_slice(fake->params.user, &(struct encode_slice){data, head + size, i});
        result->size_bytes += head + size;
    }
    encode_refs_add(&fake->refs, frame_index, key);
    return LM_OK;
}

static int fake_invalidate(struct encode *encode, uint32_t first_frame, uint32_t last_frame)
{
    struct fake *fake = fake_of(encode);
    uint32_t from;
    if (fake->refs.capacity < 2)
        return LM_EUNSUPPORTED;
    encode_refs_lose(&fake->refs, first_frame, last_frame, &from);
    return LM_OK;
}

static int fake_set_bitrate(struct encode *encode, uint32_t kbps)
{
    fake_of(encode)->params.bitrate_kbps = kbps;
    return LM_OK;
}

const struct encode_ops encode_fake = {
    .name = "fake",
    .flags = ENCODE_FLAG_INVALIDATES,
    .open = fake_open,
    .picture = fake_picture,
    .invalidate = fake_invalidate,
    .set_bitrate = fake_set_bitrate,
    .close = fake_close,
};
