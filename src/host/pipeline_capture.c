/* The capture thread: the desktop's newest image, for the encode thread to take. */
#include "core/transport/clock.h"
#include "host/pipeline_parts.h"

#include <poll.h>

/* Newest wins: an image that encode has not taken comes back, and what had changed in it counts as
 * changed in the newer one. Encode only ever takes, so between the two exchanges the box is empty.
 */
static void publish(struct pipeline *p, struct image *image)
{
    struct image *older = atomic_exchange_explicit(&p->newest, NULL, memory_order_acq_rel);
    if (older)
        image->damage = image_rect_union(image->damage, older->damage);
    atomic_store_explicit(&p->newest, image, memory_order_release);
    PIPELINE_COUNT(p, images_captured, 1);
    if (older) {
        PIPELINE_COUNT(p, images_skipped, 1);
        capture_recycle(p->capture, older);
    }
    lm_wake_signal(&p->encode_wake);
}

static int capture_all(struct pipeline *p, uint64_t now)
{
    struct image *image;
    int result;
    while ((result = capture_dispatch(p->capture, now, &image)) == LM_OK)
        publish(p, image);
    return result;
}

void pipeline_run_capture(void *pipeline)
{
    struct pipeline *p = pipeline;
    while (!pipeline_stopping(p)) {
        int result = capture_all(p, lm_clock_now_ns());
        if (result != LM_EAGAIN) {
            pipeline_fail(p, "the desktop can no longer be captured", result);
            return;
        }
        pipeline_sleep(&p->capture_wake, p->capture->fd, POLLIN, p->capture->wake_ns);
    }
}
