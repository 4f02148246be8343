/* For tests: a pipeline on the pattern and the tone, and the client's half of the core receiving
 * what it sends over 127.0.0.1, on ports that the system chooses. */
#ifndef LUMEN_HOST_TEST_RIG_H
#define LUMEN_HOST_TEST_RIG_H

#include "core/base/wake.h"
#include "core/recv/audio_receiver.h"
#include "core/recv/receiver.h"
#include "host/pipeline.h"
#include "host/thread.h"

#include <stdatomic.h>

struct rig_params {
    const char *encoder;
    uint32_t width, height, rate_mhz, kbps, slices;
    bool trace;
    /* On the receiving thread, for each frame in order; NULL: none. */
    void (*on_frame)(void *user, const struct lm_received_frame *frame);
    void *user;
    const struct lm_log *log;
};

struct rig {
    struct rig_params params;
    struct pipeline *pipeline;
    struct lm_udp *host_video, *host_audio, *video, *audio;
    struct lm_receiver *receiver;
    struct lm_audio_receiver *audio_receiver;
    struct thread thread;
    struct lm_wake stop;
    struct lm_wake progress; /* signalled with every frame; the test waits on it */
    _Atomic bool stopping;
    _Atomic uint32_t frames, key_frames, recovery_frames, sounds, traces, failures;
};

/* Whether this build has an encoder of this name. */
bool rig_has_encoder(const char *name);

/* Everything open, media flowing. A rig that cannot be built is the test's failure: it aborts. */
void rig_start(struct rig *rig, const struct rig_params *params);

/* Where the pipeline is to send: what a client's pings would tell. */
void rig_set_routes(struct rig *rig);

/* Waits until `counter` is at least `count`; false after 30 s. */
bool rig_wait(struct rig *rig, _Atomic uint32_t *counter, uint32_t count);

/* Ends both halves. The counters stay. */
void rig_stop(struct rig *rig);

#endif
