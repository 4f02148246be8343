/* A window of the pictures' size that nobody sees. */
#include "client/present/present.h"

#include "core/base/check.h"

#include <stdlib.h>

struct null_present {
    struct present base;
    struct present_view view;
};

static struct null_present *null_of(struct present *p)
{
    LM_CHECK(p->ops == &present_null);
    return (struct null_present *)p;
}

static int null_open(const struct present_params *params, struct present **out)
{
    struct null_present *n = calloc(1, sizeof *n);
    if (!n)
        return LM_ENOMEM;
    n->base.ops = &present_null;
    n->view = (struct present_view){0, 0, (int32_t)params->width, (int32_t)params->height};
    *out = &n->base;
    return LM_OK;
}

static int null_show(struct present *p, const struct decode_picture *picture, const char *overlay)
{
    return LM_OK;
}

static void null_view(struct present *p, struct present_view *out)
{
    *out = null_of(p)->view;
}

static void null_switch(struct present *p, bool on)
{
}

static void null_close(struct present *p)
{
    free(null_of(p));
}

const struct present_ops present_null = {
    .name = "null",
    .open = null_open,
    .show = null_show,
    .view = null_view,
    .full_screen = null_switch,
    .capture = null_switch,
    .close = null_close,
};
