/* The backends of the encode seam; only encode.c and the backends look here. */
#ifndef LUMEN_HOST_ENCODE_BACKENDS_H
#define LUMEN_HOST_ENCODE_BACKENDS_H

#include "host/encode/encode.h"

/* H.264 in software. */
extern const struct encode_ops encode_x264;

/* Bytes of the right form, for tests. */
extern const struct encode_ops encode_fake;

#endif
