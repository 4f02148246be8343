#include "host/capture/capture.h"

#include "core/base/check.h"
#include "host/capture/backends.h"

#include <string.h>

const struct capture_ops *const capture_backends[] = {
#if HAVE_WLR
    &capture_wlr_screencopy,
#endif
    &capture_pattern,
    NULL,
};

int capture_open(const struct capture_params *params, struct capture **out)
{
    *out = NULL;
    for (int i = 0; capture_backends[i]; i++) {
        const struct capture_ops *ops = capture_backends[i];
        /* Nobody who did not ask for the pattern shall watch it. */
        if (params->backend ? strcmp(params->backend, ops->name) : ops == &capture_pattern)
            continue;
        int rc = ops->open(params, out);
        if (rc == LM_OK) {
            LM_CHECK(*out && (*out)->ops == ops && (*out)->width && (*out)->height);
            return LM_OK;
        }
        if (params->backend)
            return rc;
        lm_info(params->log, "capture", "%s: %s", ops->name, lm_err_text(rc));
    }
    return params->backend ? LM_EUNSUPPORTED : LM_EDEVICE;
}

int capture_dispatch(struct capture *capture, uint64_t now_ns, struct image **out)
{
    *out = NULL;
    int rc = capture->ops->dispatch(capture, now_ns, out);
    LM_DCHECK((rc == LM_OK) == (*out != NULL));
    return rc;
}

void capture_give(struct capture *capture, struct image *image)
{
    LM_DCHECK(image);
    capture->ops->give(capture, image);
}

void capture_recycle(struct capture *capture, struct image *image)
{
    LM_DCHECK(image);
    capture->ops->recycle(capture, image);
}

void capture_close(struct capture *capture)
{
    if (capture)
        capture->ops->close(capture);
}
