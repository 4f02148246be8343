#include "host/display/display.h"

#include "core/base/check.h"
#include "host/display/display_impl.h"

#include <string.h>

const struct display_ops *const display_backends[] = {
#if HAVE_WLR
    &display_embedded_sway,
#endif
    &display_null,
    NULL,
};

static bool mode_valid(const struct display_mode *mode)
{
    return mode->width >= 64 && mode->width <= 16384 && mode->height >= 64 &&
           mode->height <= 16384 && mode->refresh_mhz >= 1000 && mode->refresh_mhz <= 1000000;
}

static bool name_valid(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return length >= 1 && length <= 32 && !name[length];
}

int display_open(const struct display_params *params, struct display **out)
{
    LM_CHECK(params->name && params->runtime_dir);
    *out = NULL;
    if (!mode_valid(&params->mode) || !name_valid(params->name))
        return LM_EINVAL;
    int code = LM_EDEVICE;
    for (size_t i = 0; display_backends[i]; i++) {
        const struct display_ops *ops = display_backends[i];
        /* The fake one shows nothing: only on request. */
        bool asked = params->backend ? !strcmp(params->backend, ops->name) : ops != &display_null;
        if (!asked || ops->probe(params->log))
            continue;
        code = ops->open(params, out);
        if (!code) {
            LM_CHECK(*out && (*out)->ops == ops);
            return LM_OK;
        }
    }
    return code;
}

int display_set_mode(struct display *display, const struct display_mode *mode)
{
    if (!mode_valid(mode))
        return LM_EINVAL;
    return display->ops->set_mode(display, mode);
}

int display_run(struct display *display, const char *command)
{
    return display->ops->run(display, command);
}

enum display_event display_poll(struct display *display, int *exit_status)
{
    return display->ops->poll(display, exit_status);
}

void display_close(struct display *display)
{
    if (display)
        display->ops->close(display);
}
