#include "client/present/present.h"

#include "core/base/check.h"

#include <string.h>

static const struct present_ops *const backends[] = {
#if HAVE_SDL
    &present_sdl,
#endif
    &present_null,
};

int present_open(const struct present_params *params, struct present **out)
{
    *out = NULL;
    for (size_t i = 0; i < LM_ARRAY_LEN(backends); i++)
        if (!params->backend || strcmp(params->backend, backends[i]->name) == 0)
            return backends[i]->open(params, out);
    return LM_EUNSUPPORTED;
}

void present_close(struct present *p)
{
    if (p)
        p->ops->close(p);
}

int present_show(struct present *p, const struct decode_picture *picture, const char *overlay)
{
    return p->ops->show(p, picture, overlay);
}

void present_view(struct present *p, struct present_view *out)
{
    p->ops->view(p, out);
}

void present_full_screen(struct present *p, bool on)
{
    p->ops->full_screen(p, on);
}

void present_capture(struct present *p, bool on)
{
    p->ops->capture(p, on);
}
