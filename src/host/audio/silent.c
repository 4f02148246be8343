/* No sound at all: its fd never becomes readable. */
#include "core/base/check.h"
#include "core/base/wake.h"
#include "host/audio/backends.h"

#include <stddef.h>
#include <stdlib.h>

struct silent {
    struct audio audio;
    struct lm_wake wake;
};

static struct silent *silent_of(struct audio *audio)
{
    LM_CHECK(audio->ops == &audio_silent);
    return LM_CONTAINER_OF(audio, struct silent, audio);
}

static int silent_open(const struct audio_params *params, struct audio **out)
{
    struct silent *silent = calloc(1, sizeof *silent);
    if (!silent)
        return LM_ENOMEM;
    int result = lm_wake_init(&silent->wake);
    if (result < 0) {
        free(silent);
        return result;
    }
    silent->audio =
        (struct audio){&audio_silent, silent->wake.fd, params->channels, params->frame_samples};
    *out = &silent->audio;
    return LM_OK;
}

static int silent_read(struct audio *audio, float *samples)
{
    (void)silent_of(audio);
    return LM_EAGAIN;
}

static void silent_close(struct audio *audio)
{
    struct silent *silent = silent_of(audio);
    lm_wake_finish(&silent->wake);
    free(silent);
}

const struct audio_ops audio_silent = {
    .name = "silent",
    .open = silent_open,
    .read = silent_read,
    .close = silent_close,
};
