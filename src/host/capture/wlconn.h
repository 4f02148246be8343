/* A connection of our own to a compositor, with one of its outputs and some of its globals bound:
 * what capture and input have in common. Belongs to one thread. Only wlconn_open waits; later the
 * owner polls wlconn_fd and pumps. */
#ifndef LUMEN_HOST_CAPTURE_WLCONN_H
#define LUMEN_HOST_CAPTURE_WLCONN_H

#include "core/base/err.h"
#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>

struct wl_display;
struct wl_interface;
struct wl_output;
struct wl_registry;

enum { WLCONN_MAX_OUTPUTS = 16 };

/* A global to bind: LM_EUNSUPPORTED at open when it is missing or older than min_version. */
struct wlconn_want {
    const struct wl_interface *interface;
    uint32_t min_version, max_version;
    void **bound; /* set to the proxy; stays the caller's to destroy before wlconn_close */
};

struct wlconn_output {
    struct wl_output *proxy;
    uint32_t global;
    uint32_t width, height; /* of the current mode, pixels */
    char name[64];
};

struct wlconn {
    struct wl_display *display; /* NULL: not open */
    struct wl_registry *registry;
    bool opening;
    const struct wlconn_want *wants; /* borrowed during open */
    uint32_t want_count;
    struct wlconn_output outputs[WLCONN_MAX_OUTPUTS];
    uint32_t output_count;
    struct wlconn_output *output; /* the one asked for */
    bool output_lost;             /* removed since */
};

struct wlconn_params {
    const char *socket;      /* absolute path */
    const char *output_name; /* as in wl_output.name */
    const struct wlconn_want *wants;
    uint32_t want_count;
    uint64_t timeout_ns; /* for open */
    const struct lm_log *log;
    const char *area; /* of log lines */
};

/* `conn` must stay where it is until close. LM_EDEVICE: no compositor, or no such output;
 * LM_ETIMEOUT: it does not answer. Nothing is left open on failure, bound proxies included. */
int wlconn_open(struct wlconn *conn, const struct wlconn_params *params) LM_MUST_USE;

/* Readable when there is something to pump. */
int wlconn_fd(const struct wlconn *conn);

/* Reads what is there, runs listeners, sends what is queued. Never blocks. LM_EDEVICE when the
 * connection or the output is gone. */
int wlconn_pump(struct wlconn *conn) LM_MUST_USE;

/* Sends what is queued, without blocking. LM_EDEVICE when the connection is gone. */
int wlconn_flush(struct wlconn *conn) LM_MUST_USE;

/* Pumps, waiting in between, until *done or deadline_ns (of CLOCK_MONOTONIC). LM_ETIMEOUT. */
int wlconn_wait(struct wlconn *conn, const bool *done, uint64_t deadline_ns) LM_MUST_USE;

/* NULL-safe for a zeroed connection. */
void wlconn_close(struct wlconn *conn);

#endif
