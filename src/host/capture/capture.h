/* Seam: a display's output into images, driven by damage: while nothing changes, nothing happens.
 *
 * One thread owns a capture (the session's capture thread). Slots are taken at open; the thread
 * that consumes an image gives its slot back with capture_give, which is safe on any one other
 * thread. */
#ifndef LUMEN_HOST_CAPTURE_CAPTURE_H
#define LUMEN_HOST_CAPTURE_CAPTURE_H

#include "core/base/err.h"
#include "core/base/log.h"
#include "media/image.h"

#include <stdint.h>

enum { CAPTURE_SLOTS = 4 };

struct capture_params {
    const char *backend;        /* "wlr-screencopy", "pattern", or NULL: the first that works */
    const char *wayland_socket; /* absolute path; unused by pattern */
    const char *output_name;
    uint32_t width, height; /* of pattern; the others take the output's own size */
    uint32_t refresh_mhz;   /* of pattern */
    const struct lm_log *log;
};

struct capture;

struct capture_ops {
    const char *name;
    int (*open)(const struct capture_params *params, struct capture **out);
    int (*dispatch)(struct capture *capture, uint64_t now_ns, struct image **out);
    void (*give)(struct capture *capture, struct image *image);
    void (*recycle)(struct capture *capture, struct image *image);
    void (*close)(struct capture *capture);
};

struct capture {
    const struct capture_ops *ops;
    int fd;           /* for poll(POLLIN) before dispatch */
    uint64_t wake_ns; /* dispatch also wants to run at this time; LM_TIME_MAX: only for fd */
    uint32_t width, height;
};

extern const struct capture_ops *const capture_backends[];

/* The first image of a capture is the whole picture (damage covers everything). LM_EDEVICE when
 * the compositor or the output is not there. */
int capture_open(const struct capture_params *params, struct capture **out) LM_MUST_USE;

/* Runs what is due without blocking. LM_OK with *out set to a new image, whose slot is the
 * caller's until capture_give; LM_EAGAIN when there is none; LM_EDEVICE when the output or the
 * compositor is gone or changed its size: close and open again. With no free slot the picture is
 * left in the compositor until a slot comes back: the newest is then captured. */
int capture_dispatch(struct capture *capture, uint64_t now_ns, struct image **out) LM_MUST_USE;

/* Any one thread. The image's memory may be overwritten from now on. */
void capture_give(struct capture *capture, struct image *image);

/* The capture's own thread gives back an image that it took itself and nobody else has seen. */
void capture_recycle(struct capture *capture, struct image *image);

/* NULL-safe. All images must have been given back or forgotten. */
void capture_close(struct capture *capture);

#endif
