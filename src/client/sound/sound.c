#include "client/sound/sound.h"

#include "core/base/check.h"

#include <string.h>

static const struct sound_ops *const backends[] = {
#if HAVE_SDL
    &sound_sdl,
#endif
    &sound_null,
};

int sound_open(const struct sound_params *params, struct sound **out)
{
    LM_CHECK(params->channels >= 1 && params->channels <= SOUND_MAX_CHANNELS);
    LM_CHECK(params->frame_samples >= 1 && params->frame_samples <= SOUND_MAX_FRAME_SAMPLES);
    *out = NULL;
    for (size_t i = 0; i < LM_ARRAY_LEN(backends); i++)
        if (!params->backend || strcmp(params->backend, backends[i]->name) == 0)
            return backends[i]->open(params, out);
    return LM_EUNSUPPORTED;
}

void sound_close(struct sound *s)
{
    if (s)
        s->ops->close(s);
}

void sound_push(struct sound *s, const float *samples)
{
    s->ops->push(s, samples);
}
