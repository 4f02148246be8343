/* For the backends of display.h only. */
#ifndef LUMEN_HOST_DISPLAY_DISPLAY_IMPL_H
#define LUMEN_HOST_DISPLAY_DISPLAY_IMPL_H

#include "host/display/display.h"

extern const struct display_ops display_embedded_sway;
extern const struct display_ops display_null;

#endif
