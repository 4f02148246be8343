/* The control thread: the ENet host of all sessions, and what its messages ask for: input onto the
 * desktops, key frames and invalidations from the encoders.
 *
 * Main adds a stream when its ANNOUNCE was accepted and removes it when it ends. Between
 * control_add and the REMOVED event the control thread alone touches the stream's input, and may
 * call its pipeline's request functions. */
#ifndef LUMEN_HOST_CONTROL_THREAD_H
#define LUMEN_HOST_CONTROL_THREAD_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "host/input/input.h"
#include "host/pipeline.h"
#include "net/addr.h"
#include "session/control.h"

#include <stdbool.h>
#include <stdint.h>

enum control_event {
    CONTROL_CONNECTED = 1, /* the right client is there */
    CONTROL_LOST,          /* it left, or was silent for 10 s */
    CONTROL_REMOVED,       /* nothing of the stream is used here any more */
};

struct control_stream_params {
    uint32_t connect_data;
    bool match_by_address; /* a client too old to send connect data */
    struct net_addr peer;  /* of the launch; used when match_by_address */
    enum control_iv iv;
    uint8_t key[16];
    bool tell_hdr_off;         /* the client asked for HDR and gets SDR */
    uint32_t width, height;    /* of the desktop's output */
    struct pipeline *pipeline; /* borrowed until REMOVED */
    struct input *input;       /* borrowed until REMOVED */
    uint64_t token;            /* comes back in the events */
};

struct control_thread_params {
    uint16_t port;
    bool loopback_only;
    const struct lm_log *log;
    /* On the control thread. */
    void (*on_event)(void *user, enum control_event event, uint64_t token);
    void *user;
};

struct control_thread;

/* Binds the port and starts. LM_EEXIST: the port is taken. */
int control_thread_create(const struct control_thread_params *params,
                          struct control_thread **out) LM_MUST_USE;

/* NULL-safe. Every stream must have been removed. */
void control_thread_destroy(struct control_thread *c);

/* Main thread. LM_ENOMEM, LM_EFULL. */
int control_thread_add(struct control_thread *c,
                       const struct control_stream_params *params) LM_MUST_USE;

/* Main thread. `terminate`: tell the client that the stream ended on purpose. The input is released
 * before REMOVED. */
void control_thread_remove(struct control_thread *c, uint64_t token, bool terminate);

#endif
