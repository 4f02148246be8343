/* A client's input messages onto a desktop's devices: virtual keys to evdev codes, missing
 * modifiers around keys, pictures' coordinates to the output, text. Control thread. */
#ifndef LUMEN_HOST_INPUT_EVENTS_H
#define LUMEN_HOST_INPUT_EVENTS_H

#include "core/wire/gs_input.h"
#include "host/input/input.h"

/* Touch, pen and pads are not for these devices and are ignored. */
void input_events_apply(struct input *input, const struct lm_gs_input_event *event);

#endif
