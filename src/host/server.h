/* The host: everything behind its ports. Ties session/ (what is said) to net/ (how it travels) and
 * gives each paired device its own desktop and stream. Main thread only. */
#ifndef LUMEN_HOST_SERVER_H
#define LUMEN_HOST_SERVER_H

#include "core/base/log.h"
#include "host/config.h"
#include "host/store.h"
#include "net/loop.h"

#include <stdio.h>

struct server;

struct server_params {
    const struct config *config; /* borrowed until destroy */
    struct store *store;         /* borrowed until destroy */
    struct loop *loop;           /* borrowed until destroy */
    const char *runtime_dir;     /* for the control socket and the desktops; mode 0700 */
    const char *display_backend, *capture_backend, *audio_backend, *input_backend; /* NULL: best */
    FILE *trace;  /* one JSON object per frame; NULL: none */
    bool ask_pin; /* ask for PINs on the terminal */
    const struct lm_log *log;
};

/* Listens on every port when it returns LM_OK. LM_EEXIST: a port or the control socket is taken,
 * said in the log. */
int server_create(const struct server_params *params, struct server **out) LM_MUST_USE;

/* Ends all sessions, telling their clients, and calls loop_stop when the last desktop is gone. */
void server_shut_down(struct server *server);

/* NULL-safe. Waits for what server_shut_down began. */
void server_destroy(struct server *server);

#endif
