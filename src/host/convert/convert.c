#include "host/convert/convert.h"

#include "core/base/check.h"
#include "host/convert/backends.h"

#include <stddef.h>
#include <string.h>

const struct convert_ops *const convert_backends[] = {&convert_cpu, NULL};

int convert_open(const struct convert_params *params, struct convert **out)
{
    *out = NULL;
    if (params->width == 0 || params->width > IMAGE_MAX_WIDTH || params->height == 0 ||
        params->height > IMAGE_MAX_HEIGHT)
        return LM_EINVAL;
    int result = LM_EUNSUPPORTED;
    for (size_t i = 0; convert_backends[i] && result < 0; i++)
        if (!params->backend || strcmp(params->backend, convert_backends[i]->name) == 0)
            result = convert_backends[i]->open(params, out);
    return result;
}

int convert_run(struct convert *convert, const struct image *source, struct image_rect damage)
{
    if (source->format != IMAGE_BGRX || source->width == 0 || source->height == 0)
        return LM_EINVAL;
    LM_CHECK(damage.x + damage.width <= source->width);
    LM_CHECK(damage.y + damage.height <= source->height);
    return convert->ops->run(convert, source, damage);
}

void convert_close(struct convert *convert)
{
    if (convert)
        convert->ops->close(convert);
}
