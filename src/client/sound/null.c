/* Takes everything, plays nothing. */
#include "client/sound/sound.h"

#include <stdlib.h>

static int null_open(const struct sound_params *params, struct sound **out)
{
    struct sound *s = calloc(1, sizeof *s);
    if (!s)
        return LM_ENOMEM;
    s->ops = &sound_null;
    *out = s;
    return LM_OK;
}

static void null_push(struct sound *s, const float *samples)
{
}

static void null_close(struct sound *s)
{
    free(s);
}

const struct sound_ops sound_null = {
    .name = "null", .open = null_open, .push = null_push, .close = null_close};
