/* Seam: the virtual desktop of one session. A display is a compositor with one output of exactly
 * the client's mode, the sound server and D-Bus of that desktop, and the programs on it.
 *
 * One thread owns a display (the session's capture thread). open may take seconds; the verbs
 * return at once. Everything that open started is gone after close: processes, sockets, files. */
#ifndef LUMEN_HOST_DISPLAY_DISPLAY_H
#define LUMEN_HOST_DISPLAY_DISPLAY_H

#include "core/base/err.h"
#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>

struct display_mode {
    uint32_t width, height; /* pixels, 64..16384 */
    uint32_t refresh_mhz;   /* 59940 is 59.94 Hz; 1000..1000000 */
};

struct display_params {
    const char
        *backend;     /* "embedded-sway", "null", or NULL: the first that works but the null one */
    const char *name; /* of the session, for directories and logs: [a-z0-9-]{1,32} */
    const char
        *runtime_dir; /* an existing directory of mode 0700, short (socket paths end at 107) */
    struct display_mode mode;
    bool xwayland;
    const char *terminal;  /* command line of the Desktop's terminal; NULL: the default */
    const char *launcher;  /* command line of the launcher; NULL: the default */
    bool desktop_programs; /* the Desktop application: a terminal is open at the start */
    bool sound;            /* start a sound server */
    uint64_t timeout_ns;   /* for open as a whole */
    const struct lm_log *log;
};

/* How other parts reach this desktop; borrowed until close. */
struct display_env {
    const char *wayland_socket; /* absolute path */
    const char *output_name;    /* "HEADLESS-1" */
    const char *pipewire_dir;   /* PIPEWIRE_RUNTIME_DIR of the sound server; NULL: none */
    /* Programs paint and pictures follow on the multiples of this period on CLOCK_MONOTONIC
     * (frame_grid.h); 0: no exact clock, the output runs at twice the mode's rate. */
    uint64_t frame_grid_ns;
};

enum display_event {
    DISPLAY_EVENT_NONE = 0,
    DISPLAY_EVENT_PROGRAM_EXITED = 1, /* the program of display_run ended */
    DISPLAY_EVENT_LOST,               /* the compositor died: only close is left */
};

struct display;

struct display_ops {
    const char *name;
    int (*probe)(const struct lm_log *log); /* LM_OK when open may work on this machine */
    int (*open)(const struct display_params *params, struct display **out);
    int (*set_mode)(struct display *display, const struct display_mode *mode);
    int (*run)(struct display *display, const char *command);
    enum display_event (*poll)(struct display *display, int *exit_status);
    void (*close)(struct display *display);
};

struct display {
    const struct display_ops *ops;
    struct display_mode mode;
    struct display_env env;
    int event_fd; /* readable when poll has news */
};

/* NULL-ended, best first. */
extern const struct display_ops *const display_backends[];

/* LM_EDEVICE when no backend works (each said why in the log), LM_ETIMEOUT. */
int display_open(const struct display_params *params, struct display **out) LM_MUST_USE;

/* A later mode, of a resume. LM_EUNSUPPORTED when the backend cannot: the caller reopens. */
int display_set_mode(struct display *display, const struct display_mode *mode) LM_MUST_USE;

/* Starts `command` (a shell command line from the configuration, never from a peer) with the
 * desktop's environment. One at a time; LM_EEXIST while one runs. */
int display_run(struct display *display, const char *command) LM_MUST_USE;

/* What happened since the last call; exit_status as of waitpid for PROGRAM_EXITED. */
enum display_event display_poll(struct display *display, int *exit_status);

/* NULL-safe. Ends every program on the desktop: asked first, then killed. */
void display_close(struct display *display);

#endif
