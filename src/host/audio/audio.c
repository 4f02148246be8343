#include "host/audio/audio.h"

#include "host/audio/backends.h"

#include <stddef.h>
#include <string.h>

const struct audio_ops *const audio_backends[] = {
#if HAVE_PIPEWIRE
    &audio_pipewire,
#endif
    &audio_tone,
    &audio_silent,
    NULL,
};

static int check_params(const struct audio_params *p)
{
    if (p->channels != 2 && p->channels != 6 && p->channels != 8)
        return LM_EINVAL;
    return p->frame_samples == 240 || p->frame_samples == 480 ? LM_OK : LM_EINVAL;
}

int audio_open(const struct audio_params *params, struct audio **out)
{
    *out = NULL;
    int result = check_params(params);
    if (result < 0)
        return result;
    result = LM_EUNSUPPORTED;
    for (size_t i = 0; audio_backends[i] && result < 0; i++) {
        const struct audio_ops *ops = audio_backends[i];
        /* Nobody gets a test tone without asking for it. */
        if (params->backend ? strcmp(params->backend, ops->name) != 0 : ops == &audio_tone)
            continue;
        result = ops->open(params, out);
    }
    return result;
}

int audio_read(struct audio *audio, float *samples)
{
    return audio->ops->read(audio, samples);
}

void audio_close(struct audio *audio)
{
    if (audio)
        audio->ops->close(audio);
}
