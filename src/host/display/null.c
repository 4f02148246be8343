/* The fake: an output of any mode that shows nothing. Its programs are not run: "exit N" ends at
 * once with that status, any other stays until close. */
#include "core/base/check.h"
#include "core/base/wake.h"
#include "host/display/display_impl.h"
#include "host/display/frame_grid.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

struct null_display {
    struct display base;
    struct lm_wake wake;
    bool running, exited;
    int status;
};

static struct null_display *from(struct display *display)
{
    LM_CHECK(display->ops == &display_null);
    return LM_CONTAINER_OF(display, struct null_display, base);
}

static int null_probe(const struct lm_log *log)
{
    (void)log;
    return LM_OK;
}

static int null_set_mode(struct display *display, const struct display_mode *mode)
{
    struct null_display *d = from(display);
    d->base.mode = *mode;
    d->base.env.frame_grid_ns = frame_grid_period_ns(mode->refresh_mhz);
    return LM_OK;
}

static void null_close(struct display *display)
{
    struct null_display *d = from(display);
    lm_wake_finish(&d->wake);
    free(d);
}

static int null_open(const struct display_params *params, struct display **out)
{
    struct null_display *d = calloc(1, sizeof *d);
    if (!d)
        return LM_ENOMEM;
    d->base.ops = &display_null;
    d->base.env = (struct display_env){.wayland_socket = "/nonexistent", .output_name = "NULL-1"};
    int code = lm_wake_init(&d->wake);
    if (code) {
        free(d);
        return code;
    }
    d->base.event_fd = d->wake.fd;
    *out = &d->base;
    return null_set_mode(&d->base, &params->mode);
}

static int null_run(struct display *display, const char *command)
{
    struct null_display *d = from(display);
    if (d->running)
        return LM_EEXIST;
    d->running = true;
    if (sscanf(command, "exit %d", &d->status) == 1) {
        d->exited = true;
        lm_wake_signal(&d->wake);
    }
    return LM_OK;
}

static enum display_event null_poll(struct display *display, int *exit_status)
{
    struct null_display *d = from(display);
    lm_wake_clear(&d->wake);
    if (!d->exited)
        return DISPLAY_EVENT_NONE;
    d->running = d->exited = false;
    *exit_status = (d->status & 0xff) << 8;
    return DISPLAY_EVENT_PROGRAM_EXITED;
}

const struct display_ops display_null = {
    .name = "null",
    .probe = null_probe,
    .open = null_open,
    .set_mode = null_set_mode,
    .run = null_run,
    .poll = null_poll,
    .close = null_close,
};
