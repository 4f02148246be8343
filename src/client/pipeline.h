/* All threads of one stream and how they hang together:
 *
 *   receive (socket, reassembly, recovery) --frames--> decode --newest picture--> main (window)
 *      |        ^-- decoder failed ---------------------'                          |
 *      '--key frame, invalidation, FEC status--> control <--input-----------------'
 *   sound (socket, Opus) --samples--> the device's own thread
 *
 * Every arrow is a ring of fixed size or a single slot; what happens when one is full stands at its
 * push. Main thread only, but for what the callbacks say. */
#ifndef LUMEN_CLIENT_PIPELINE_H
#define LUMEN_CLIENT_PIPELINE_H

#include "client/channel.h"
#include "client/connect.h"
#include "client/listener.h"
#include "client/receive.h"
#include "client/viewer.h"

struct pipeline_params {
    const struct connect_stream *stream; /* borrowed for create */
    bool fec_status, read_stamps;
    const char *sound_backend;   /* NULL: the best; "null": none */
    void (*picture)(void *user); /* decode thread: a new picture waits */
    void *user;
};

struct pipeline {
    struct ending ending;
    struct channel *channel;
    struct viewer *viewer;
    struct receive *receive;
    struct listener *listener;
    struct sound *sound;
};

/* Opens everything. On failure `failure` says what, and *out is NULL. */
int pipeline_create(const struct pipeline_params *params, struct pipeline **out,
                    struct failure *failure) LM_MUST_USE;

/* Connects the control channel and starts all threads. */
int pipeline_start(struct pipeline *p, struct failure *failure) LM_MUST_USE;

/* Stops the threads; results can be read then. Not `graceful`: the host hears nothing of it. */
void pipeline_stop(struct pipeline *p, bool graceful);
void pipeline_destroy(struct pipeline *p);

#endif
