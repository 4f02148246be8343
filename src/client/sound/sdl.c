/* Sound through SDL. The device's own thread takes whole frames from a ring; it plays silence
 * until a few have gathered, so that jitter of the network does not become clicks. */
#include "client/sound/sound.h"

#include "core/base/check.h"
#include "core/base/ring.h"

#include <SDL.h>
#include <SDL_audio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RING_FRAMES = 64,
    START_MS = 20, /* gathered before playing */
    LIMIT_MS = 60, /* more than that waiting: the oldest are dropped */
};

struct sdl_sound {
    struct sound base;
    SDL_AudioDeviceID device;
    struct lm_ring ring;
    size_t frame_bytes;
    uint32_t start_frames, limit_frames;
    /* the device's thread */
    bool playing;
    size_t taken_bytes; /* of `frame`; frame_bytes: all of it */
    float frame[SOUND_MAX_FRAME_SAMPLES * SOUND_MAX_CHANNELS];
};

static struct sdl_sound *sdl_of(struct sound *s)
{
    LM_CHECK(s->ops == &sound_sdl);
    return (struct sdl_sound *)s;
}

static bool next_frame(struct sdl_sound *d)
{
    uint32_t waiting = lm_ring_count(&d->ring);
    if (!d->playing && waiting < d->start_frames)
        return false;
    for (; waiting > d->limit_frames; waiting--)
        if (!lm_ring_pop(&d->ring, d->frame))
            break;
    d->playing = lm_ring_pop(&d->ring, d->frame);
    d->taken_bytes = 0;
    return d->playing;
}

static void fill(void *user, Uint8 *out, int size)
{
    struct sdl_sound *d = user;
    size_t left = (size_t)size;
    while (left) {
        if (d->taken_bytes == d->frame_bytes && !next_frame(d)) {
            d->taken_bytes = d->frame_bytes;
            memset(out, 0, left);
            return;
        }
        size_t count = LM_MIN(left, d->frame_bytes - d->taken_bytes);
        memcpy(out, (uint8_t *)d->frame + d->taken_bytes, count);
        d->taken_bytes += count;
        out += count;
        left -= count;
    }
}

static void sdl_close(struct sound *s)
{
    struct sdl_sound *d = sdl_of(s);
    if (d->device)
        SDL_CloseAudioDevice(d->device);
    SDL_QuitSubSystem(SDL_INIT_AUDIO);
    lm_ring_finish(&d->ring);
    free(d);
}

static int sdl_open(const struct sound_params *params, struct sound **out)
{
    if (SDL_InitSubSystem(SDL_INIT_AUDIO) != 0)
        return LM_EDEVICE;
    int result = LM_ENOMEM;
    struct sdl_sound *d = calloc(1, sizeof *d);
    if (!d) {
        SDL_QuitSubSystem(SDL_INIT_AUDIO);
        return LM_ENOMEM;
    }
    d->base.ops = &sound_sdl;
    d->frame_bytes = sizeof(float) * params->channels * params->frame_samples;
    d->taken_bytes = d->frame_bytes;
    d->start_frames = START_MS * params->rate_hz / 1000 / params->frame_samples;
    d->limit_frames = LIMIT_MS * params->rate_hz / 1000 / params->frame_samples;
    result = lm_ring_init(&d->ring, d->frame_bytes, RING_FRAMES);
    if (result < 0)
        goto fail;
    SDL_AudioSpec spec = {.freq = (int)params->rate_hz,
                          .format = AUDIO_F32SYS,
                          .channels = (Uint8)params->channels,
                          .samples = 256,
                          .callback = fill,
                          .userdata = d};
    result = LM_EDEVICE;
    d->device = SDL_OpenAudioDevice(NULL, 0, &spec, NULL, 0);
    if (!d->device)
        goto fail;
    SDL_PauseAudioDevice(d->device, 0);
    *out = &d->base;
    return LM_OK;

fail:
    sdl_close(&d->base);
    return result;
}

static void sdl_push(struct sound *s, const float *samples)
{
    /* Full: the device has stopped; what comes now is as good as what waits. */
    if (!lm_ring_push(&sdl_of(s)->ring, samples))
        return;
}

const struct sound_ops sound_sdl = {
    .name = "sdl", .open = sdl_open, .push = sdl_push, .close = sdl_close};
