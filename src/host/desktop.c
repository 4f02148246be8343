#include "host/desktop.h"

#include "core/base/check.h"
#include "core/base/wake.h"
#include "host/thread.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct desktop {
    struct desktop_params params;
    char texts[8][600]; /* copies of the params' strings */
    struct thread thread;
    struct lm_wake wake;

    pthread_mutex_t lock; /* for what main asks */
    bool stop_asked, mode_asked;
    struct display_mode mode_wanted;

    /* the thread's; main reads them after READY */
    struct display *display;
    struct input *input;
};

static void tell(struct desktop *d, enum desktop_event event, int arg)
{
    d->params.on_event(d->params.user, event, arg);
}

static bool open_all(struct desktop *d)
{
    int code = display_open(&d->params.display, &d->display);
    if (code)
        return false;
    const struct input_params input = {
        .backend = d->params.input_backend,
        .wayland_socket = d->display->env.wayland_socket,
        .output_name = d->display->env.output_name,
        .width = d->display->mode.width,
        .height = d->display->mode.height,
        .keyboard_layout = d->params.keyboard_layout,
        .log = d->params.display.log,
    };
    code = input_open(&input, &d->input);
    if (code) {
        lm_error(d->params.display.log, "desktop", "no input devices on the desktop: %s",
                 lm_err_text(code));
        return false;
    }
    if (d->params.command && display_run(d->display, d->params.command)) {
        lm_error(d->params.display.log, "desktop", "the application cannot be started: %s",
                 d->params.command);
        return false;
    }
    return true;
}

static void change_mode(struct desktop *d, const struct display_mode *mode)
{
    int code = display_set_mode(d->display, mode);
    if (code)
        lm_warn(d->params.display.log, "desktop", "the mode %ux%u cannot be set: %s", mode->width,
                mode->height, lm_err_text(code));
    tell(d, code ? DESKTOP_MODE_FAILED : DESKTOP_MODE_SET, code);
}

/* False when the desktop is to be closed. */
static bool serve_requests(struct desktop *d)
{
    pthread_mutex_lock(&d->lock);
    bool stop = d->stop_asked, set = d->mode_asked;
    struct display_mode mode = d->mode_wanted;
    d->mode_asked = false;
    pthread_mutex_unlock(&d->lock);
    if (set && !stop)
        change_mode(d, &mode);
    return !stop;
}

static void serve(struct desktop *d)
{
    bool lost = false;
    while (serve_requests(d)) {
        int status = 0;
        enum display_event event = lost ? DISPLAY_EVENT_NONE : display_poll(d->display, &status);
        if (event == DISPLAY_EVENT_PROGRAM_EXITED)
            tell(d, DESKTOP_PROGRAM_EXITED, status);
        if (event == DISPLAY_EVENT_LOST) {
            lost = true;
            tell(d, DESKTOP_LOST, 0);
        }
        if (event != DISPLAY_EVENT_NONE)
            continue;
        struct pollfd fds[2] = {
            {.fd = d->wake.fd, .events = POLLIN},
            {.fd = lost ? -1 : d->display->event_fd, .events = POLLIN},
        };
        poll(fds, 2, -1);
        lm_wake_clear(&d->wake);
    }
}

static void run(void *user)
{
    struct desktop *d = user;
    if (open_all(d)) {
        tell(d, DESKTOP_READY, 0);
        serve(d);
    } else {
        tell(d, DESKTOP_FAILED, 0);
    }
    input_close(d->input);
    d->input = NULL;
    display_close(d->display);
    d->display = NULL;
    tell(d, DESKTOP_CLOSED, 0);
}

static void keep_text(struct desktop *d, int slot, const char **text)
{
    if (!*text)
        return;
    snprintf(d->texts[slot], sizeof d->texts[slot], "%s", *text);
    *text = d->texts[slot];
}

int desktop_create(const struct desktop_params *params, struct desktop **out)
{
    *out = NULL;
    struct desktop *d = calloc(1, sizeof *d);
    if (!d)
        return LM_ENOMEM;
    d->params = *params;
    keep_text(d, 0, &d->params.display.backend);
    keep_text(d, 1, &d->params.display.name);
    keep_text(d, 2, &d->params.display.runtime_dir);
    keep_text(d, 3, &d->params.display.terminal);
    keep_text(d, 4, &d->params.display.launcher);
    keep_text(d, 5, &d->params.command);
    keep_text(d, 6, &d->params.keyboard_layout);
    keep_text(d, 7, &d->params.input_backend);
    pthread_mutex_init(&d->lock, NULL);
    int code = lm_wake_init(&d->wake);
    if (!code)
        code = thread_start(&d->thread, "lumen-desktop", 0, run, d);
    if (code) {
        desktop_destroy(d);
        return code;
    }
    *out = d;
    return LM_OK;
}

const struct display_env *desktop_env(const struct desktop *d)
{
    return &d->display->env;
}

struct input *desktop_input(const struct desktop *d)
{
    return d->input;
}

void desktop_set_mode(struct desktop *d, const struct display_mode *mode)
{
    pthread_mutex_lock(&d->lock);
    d->mode_asked = true;
    d->mode_wanted = *mode;
    pthread_mutex_unlock(&d->lock);
    lm_wake_signal(&d->wake);
}

void desktop_stop(struct desktop *d)
{
    pthread_mutex_lock(&d->lock);
    d->stop_asked = true;
    pthread_mutex_unlock(&d->lock);
    lm_wake_signal(&d->wake);
}

void desktop_destroy(struct desktop *d)
{
    if (!d)
        return;
    if (d->thread.running) {
        desktop_stop(d);
        thread_join(&d->thread);
    }
    lm_wake_finish(&d->wake);
    pthread_mutex_destroy(&d->lock);
    free(d);
}
