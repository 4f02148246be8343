/* 440 Hz on all channels at half amplitude, on time: what a test can recognise. */
#include "core/base/check.h"
#include "host/audio/backends.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum { TONE_HZ = 440, PERIOD = AUDIO_RATE_HZ / 40 /* of the table: 11 whole waves */ };

struct tone {
    struct audio audio;
    uint32_t at;       /* in the table */
    uint64_t due;      /* frames that the clock has asked for and nobody read */
    uint32_t most_due; /* 40 ms */
    float table[PERIOD];
};

static struct tone *tone_of(struct audio *audio)
{
    LM_CHECK(audio->ops == &audio_tone);
    return LM_CONTAINER_OF(audio, struct tone, audio);
}

static void tone_close(struct audio *audio)
{
    struct tone *tone = tone_of(audio);
    if (tone->audio.fd >= 0)
        close(tone->audio.fd);
    free(tone);
}

static int tone_open(const struct audio_params *params, struct audio **out)
{
    struct tone *tone = calloc(1, sizeof *tone);
    if (!tone)
        return LM_ENOMEM;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    tone->audio = (struct audio){&audio_tone, fd, params->channels, params->frame_samples};
    tone->most_due = AUDIO_RATE_HZ / 25 / params->frame_samples;
    for (uint32_t i = 0; i < PERIOD; i++)
        tone->table[i] = (float)(0.5 * sin(2 * M_PI * TONE_HZ * i / AUDIO_RATE_HZ));
    long step_ns = (long)(1000000000LL * params->frame_samples / AUDIO_RATE_HZ);
    struct itimerspec every = {{0, step_ns}, {0, step_ns}};
    if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) < 0) {
        tone_close(&tone->audio);
        return LM_EIO;
    }
    *out = &tone->audio;
    return LM_OK;
}

static int tone_read(struct audio *audio, float *samples)
{
    struct tone *tone = tone_of(audio);
    uint64_t passed = 0;
    /* Callers read until LM_EAGAIN, so the timer is asked only when nothing is due. */
    if (tone->due == 0 && read(audio->fd, &passed, sizeof passed) == (ssize_t)sizeof passed)
        tone->due = passed;
    if (tone->due == 0)
        return LM_EAGAIN;
    if (tone->due > tone->most_due)
        tone->due = tone->most_due;
    tone->due--;
    for (uint32_t i = 0; i < audio->frame_samples; i++) {
        for (uint32_t c = 0; c < audio->channels; c++)
            *samples++ = tone->table[tone->at];
        tone->at = (tone->at + 1) % PERIOD;
    }
    return LM_OK;
}

const struct audio_ops audio_tone = {
    .name = "tone",
    .open = tone_open,
    .read = tone_read,
    .close = tone_close,
};
