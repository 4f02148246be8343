/* One session's desktop: a thread that owns the display from launch to the session's end, and the
 * input devices on it. Requests return at once; what came of them is told by on_event. */
#ifndef LUMEN_HOST_DESKTOP_H
#define LUMEN_HOST_DESKTOP_H

#include "host/display/display.h"
#include "host/input/input.h"

enum desktop_event {
    DESKTOP_READY = 1,      /* env and input are valid; the program was started */
    DESKTOP_FAILED,         /* it did not come up; only destroy is left */
    DESKTOP_MODE_SET,       /* after desktop_set_mode; the mode is the new one */
    DESKTOP_MODE_FAILED,    /* the old mode stays */
    DESKTOP_PROGRAM_EXITED, /* status of waitpid in `arg` */
    DESKTOP_LOST,           /* the compositor died */
    DESKTOP_CLOSED,         /* after desktop_stop: destroy will not wait */
};

struct desktop_params {
    struct display_params display; /* its strings are copied */
    const char *command;           /* of the application; NULL: just the desktop */
    const char *keyboard_layout;
    const char *input_backend; /* NULL: the first that works */
    void (*on_event)(void *user, enum desktop_event event, int arg); /* on the desktop's thread */
    void *user;
};

struct desktop;

/* Starts opening. LM_ENOMEM. */
int desktop_create(const struct desktop_params *params, struct desktop **out) LM_MUST_USE;

/* Valid from READY until desktop_stop. */
const struct display_env *desktop_env(const struct desktop *d);

/* The input devices, to be used by one thread at a time; NULL before READY. The desktop closes
 * them, so nobody may use them after desktop_stop. */
struct input *desktop_input(const struct desktop *d);

void desktop_set_mode(struct desktop *d, const struct display_mode *mode);

/* Begins to close: programs are asked to end, then killed; DESKTOP_CLOSED follows in a second or
 * two. */
void desktop_stop(struct desktop *d);

/* Stops if need be, and waits. NULL-safe. */
void desktop_destroy(struct desktop *d);

#endif
