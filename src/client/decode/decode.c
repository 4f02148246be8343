#include "client/decode/decode.h"

#include "core/base/check.h"

#include <string.h>

static const struct decode_ops *const backends[] = {
#if HAVE_AVCODEC
    &decode_avcodec,
#endif
    &decode_fake,
};

int decode_open(const char *name, const struct decode_params *params, struct decode **out)
{
    *out = NULL;
    for (size_t i = 0; i < LM_ARRAY_LEN(backends); i++) {
        const struct decode_ops *ops = backends[i];
        if (name ? strcmp(ops->name, name) != 0 : ops->for_tests)
            continue;
        if (!(ops->codecs & 1 << params->codec))
            continue;
        int result = ops->open(params, out);
        if (result != LM_EUNSUPPORTED)
            return result;
    }
    return LM_EUNSUPPORTED;
}

void decode_close(struct decode *d)
{
    if (d)
        d->ops->close(d);
}

bool decode_knows(enum decode_codec codec)
{
    for (size_t i = 0; i < LM_ARRAY_LEN(backends); i++)
        if (!backends[i]->for_tests && backends[i]->codecs & 1 << codec)
            return true;
    return false;
}

int decode_push(struct decode *d, const uint8_t *data, size_t size_bytes,
                struct decode_picture *out)
{
    int result = d->ops->push(d, data, size_bytes, out);
    LM_DCHECK(result != 1 || out->slot < DECODE_SLOTS);
    return result;
}

void decode_give(struct decode *d, uint32_t slot)
{
    LM_CHECK(slot < DECODE_SLOTS);
    d->ops->give(d, slot);
}
