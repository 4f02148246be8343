/* Seam: decoded sound to a device. Opened and closed by the main thread, fed by the sound thread
 * alone. */
#ifndef LUMEN_CLIENT_SOUND_SOUND_H
#define LUMEN_CLIENT_SOUND_SOUND_H

#include "core/base/err.h"

#include <stdint.h>

enum { SOUND_MAX_CHANNELS = 8, SOUND_MAX_FRAME_SAMPLES = 480 };

struct sound_params {
    const char *backend; /* "sdl", "null"; NULL: the first that works */
    uint32_t rate_hz;
    uint32_t channels;      /* order FL FR C LFE BL BR SL SR */
    uint32_t frame_samples; /* per channel and push */
};

struct sound;

struct sound_ops {
    const char *name;
    int (*open)(const struct sound_params *params, struct sound **out);
    void (*push)(struct sound *s, const float *samples);
    void (*close)(struct sound *s);
};

struct sound {
    const struct sound_ops *ops;
};

extern const struct sound_ops sound_sdl, sound_null;

/* LM_EDEVICE: no device; LM_EUNSUPPORTED: no such backend in this build. */
int sound_open(const struct sound_params *params, struct sound **out) LM_MUST_USE;
void sound_close(struct sound *s);

/* channels * frame_samples interleaved floats. Never blocks: what the device does not take in time
 * is dropped, so that sound never falls behind the picture by more than about 60 ms. */
void sound_push(struct sound *s, const float *samples);

#endif
