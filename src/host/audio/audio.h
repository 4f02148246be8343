/* Seam: a desktop's sound into frames of samples. Owned by the session's audio thread. */
#ifndef LUMEN_HOST_AUDIO_AUDIO_H
#define LUMEN_HOST_AUDIO_AUDIO_H

#include "core/base/err.h"
#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>

enum { AUDIO_RATE_HZ = 48000, AUDIO_MAX_CHANNELS = 8 };

struct audio_params {
    const char *backend;      /* "pipewire", "tone", "silent", or NULL: the first that works */
    const char *pipewire_dir; /* of display_env; NULL: the user's own server */
    uint32_t channels;        /* 2, 6 or 8, order FL FR C LFE BL BR SL SR */
    uint32_t frame_samples;   /* per channel and frame: 240 (5 ms) or 480 */
    const struct lm_log *log;
};

struct audio;

struct audio_ops {
    const char *name;
    int (*open)(const struct audio_params *params, struct audio **out);
    int (*read)(struct audio *audio, float *samples);
    void (*close)(struct audio *audio);
};

struct audio {
    const struct audio_ops *ops;
    int fd; /* readable when read may have a frame */
    uint32_t channels, frame_samples;
};

extern const struct audio_ops *const audio_backends[];

/* LM_EDEVICE when there is no sound server. */
int audio_open(const struct audio_params *params, struct audio **out) LM_MUST_USE;

/* One frame of channels * frame_samples interleaved floats in -1..1. LM_EAGAIN: not yet, or nothing
 * plays (then fd stays quiet: silence costs nothing). LM_EDEVICE: the server is gone. Never blocks
 * or allocates. When the reader is late, the oldest samples are dropped, at most 40 ms are kept. */
int audio_read(struct audio *audio, float *samples) LM_MUST_USE;

void audio_close(struct audio *audio);

#endif
