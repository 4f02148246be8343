/* The backends of the capture seam; only capture.c and tests look here. */
#ifndef LUMEN_HOST_CAPTURE_BACKENDS_H
#define LUMEN_HOST_CAPTURE_BACKENDS_H

#include "host/capture/capture.h"

/* zwlr_screencopy_manager_v1 into shared memory. */
extern const struct capture_ops capture_wlr_screencopy;

/* A moving pattern with a time stamp (media/stamp.h), one image per refresh, driven by now_ns
 * alone: needs no hardware. */
extern const struct capture_ops capture_pattern;

#endif
