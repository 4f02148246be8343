/* One stream on the main thread: opens window and pipeline, runs until something ends it, tells how
 * it was. */
#ifndef LUMEN_CLIENT_PLAY_H
#define LUMEN_CLIENT_PLAY_H

#include "client/pipeline.h"
#include "client/present/present.h"
#include "client/script.h"

struct play {
    const struct flags *flags;
    const struct connect_host *host;
    const struct connect_stream *stream;
    struct pipeline *pipeline;
    struct present *present; /* NULL: headless */
    struct grab grab;
    struct script script;
    uint64_t started_ns;
    struct decode_picture shown; /* the picture on the screen, ours until given back */
    bool has_shown;
    _Atomic bool picture_announced; /* to the window's event queue */
};

/* `script` is borrowed, may be empty. The result says how the stream ended. */
int play_run(const struct flags *flags, const struct connect_host *host,
             const struct connect_stream *stream, const struct script *script,
             struct failure *failure) LM_MUST_USE;

/* For the loops: plays the script and checks the limits of the command line; true while the stream
 * goes on. */
bool play_goes_on(struct play *play);

/* window.c: runs the window until the stream ends. */
void window_run(struct play *play);

/* window.c: any thread, a new picture waits. */
void window_wake(struct play *play);

#endif
