/* The backends of the input seam; only input.c and tests look here. */
#ifndef LUMEN_HOST_INPUT_BACKENDS_H
#define LUMEN_HOST_INPUT_BACKENDS_H

#include "host/input/input.h"

/* zwlr_virtual_pointer_v1 and zwp_virtual_keyboard_v1. */
extern const struct input_ops input_wlr_virtual;

/* Keeps a list: see record.h. */
extern const struct input_ops input_record;

#endif
