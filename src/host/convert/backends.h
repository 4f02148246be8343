/* The backends of the convert seam; only convert.c and the backends look here. */
#ifndef LUMEN_HOST_CONVERT_BACKENDS_H
#define LUMEN_HOST_CONVERT_BACKENDS_H

#include "host/convert/convert.h"

/* The processor, with the kernels of core/dsp. */
extern const struct convert_ops convert_cpu;

#endif
