/* The backends of the sound seam; only audio.c and the backends look here. */
#ifndef LUMEN_HOST_AUDIO_BACKENDS_H
#define LUMEN_HOST_AUDIO_BACKENDS_H

#include "host/audio/audio.h"

/* What plays on a PipeWire sink. */
extern const struct audio_ops audio_pipewire;

/* 440 Hz, for tests. */
extern const struct audio_ops audio_tone;

extern const struct audio_ops audio_silent;

#endif
