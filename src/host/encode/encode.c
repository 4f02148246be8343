#include "host/encode/encode.h"

#include "core/base/check.h"
#include "host/encode/backends.h"

#include <string.h>

const struct encode_ops *const encode_backends[] = {
#if HAVE_X264
    &encode_x264,
#endif
    &encode_fake,
    NULL,
};

static int check_params(const struct encode_params *p)
{
    if (p->width < 2 || p->width > IMAGE_MAX_WIDTH || p->width % 2 || p->height < 2 ||
        p->height > IMAGE_MAX_HEIGHT || p->height % 2)
        return LM_EINVAL;
    if (!p->refresh_mhz || !p->bitrate_kbps || !p->max_frame_bytes || !p->on_slice)
        return LM_EINVAL;
    if (p->slices < 1 || p->slices > ENCODE_MAX_SLICES || p->slices > (p->height + 15) / 16)
        return LM_EINVAL;
    return p->codec == ENCODE_H264 ? LM_OK : LM_EUNSUPPORTED;
}

int encode_open(const struct encode_params *params, struct encode **out)
{
    *out = NULL;
    int result = check_params(params);
    if (result < 0)
        return result;
    result = LM_EUNSUPPORTED;
    for (size_t i = 0; encode_backends[i] && result < 0; i++) {
        const struct encode_ops *ops = encode_backends[i];
        if (params->backend ? strcmp(params->backend, ops->name) != 0 : ops == &encode_fake)
            continue;
        result = ops->probe ? ops->probe(params->log) : LM_OK;
        if (result == LM_OK)
            result = ops->open(params, out);
    }
    return result;
}

int encode_picture(struct encode *encode, const struct image *picture, uint32_t frame_index,
                   bool force_key, const struct encode_buffer *buffer, enum encode_kind *kind,
                   struct encode_result *result)
{
    LM_CHECK(picture->format == IMAGE_NV12);
    return encode->ops->picture(encode, picture, frame_index, force_key, buffer, kind, result);
}

int encode_invalidate(struct encode *encode, uint32_t first_frame, uint32_t last_frame)
{
    if (first_frame > last_frame)
        return LM_EINVAL;
    if (!(encode->ops->flags & ENCODE_FLAG_INVALIDATES))
        return LM_EUNSUPPORTED;
    return encode->ops->invalidate(encode, first_frame, last_frame);
}

int encode_set_bitrate(struct encode *encode, uint32_t kbps)
{
    return kbps ? encode->ops->set_bitrate(encode, kbps) : LM_EINVAL;
}

void encode_close(struct encode *encode)
{
    if (encode)
        encode->ops->close(encode);
}
