/* The fake of the input seam: remembers what it was told, for tests. */
#ifndef LUMEN_HOST_INPUT_RECORD_H
#define LUMEN_HOST_INPUT_RECORD_H

#include "host/input/input.h"

enum { RECORD_MAX_EVENTS = 4096 };

enum record_kind {
    RECORD_KEY = 1, /* code, down */
    RECORD_TEXT,    /* code */
    RECORD_MOVE,    /* x, y: counts */
    RECORD_MOVE_TO, /* x, y: pixels */
    RECORD_BUTTON,  /* code, down */
    RECORD_SCROLL,  /* code: enum input_axis; x: amount */
    RECORD_FLUSH,
};

struct record_event {
    enum record_kind kind;
    uint32_t code;
    bool down;
    int32_t x, y;
};

/* The list of an input of backend "record", borrowed until close; what does not fit is dropped. */
const struct record_event *record_events(const struct input *input, uint32_t *count);

/* Empties the list. */
void record_clear(struct input *input);

#endif
