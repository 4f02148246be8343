#include "host/input/record.h"

#include "core/base/check.h"
#include "host/input/backends.h"

#include <math.h>
#include <stdlib.h>

struct record {
    struct input base; /* first: the seam casts */
    uint32_t count;
    struct record_event events[RECORD_MAX_EVENTS];
};

static struct record *downcast(struct input *input)
{
    LM_CHECK(input->ops == &input_record);
    return (struct record *)input;
}

static void add(struct input *input, struct record_event event)
{
    struct record *r = downcast(input);
    if (r->count < RECORD_MAX_EVENTS)
        r->events[r->count++] = event;
}

static void key(struct input *input, uint32_t evdev_code, bool down)
{
    add(input, (struct record_event){.kind = RECORD_KEY, .code = evdev_code, .down = down});
}

static void text(struct input *input, uint32_t code_point)
{
    add(input, (struct record_event){.kind = RECORD_TEXT, .code = code_point});
}

static void move(struct input *input, int32_t dx, int32_t dy)
{
    add(input, (struct record_event){.kind = RECORD_MOVE, .x = dx, .y = dy});
}

static void move_to(struct input *input, float x, float y)
{
    add(input, (struct record_event){.kind = RECORD_MOVE_TO,
                                     .x = (int32_t)lrintf(x * (float)(input->width - 1)),
                                     .y = (int32_t)lrintf(y * (float)(input->height - 1))});
}

static void button(struct input *input, uint32_t evdev_code, bool down)
{
    add(input, (struct record_event){.kind = RECORD_BUTTON, .code = evdev_code, .down = down});
}

static void scroll(struct input *input, enum input_axis axis, int32_t amount_120)
{
    add(input, (struct record_event){.kind = RECORD_SCROLL, .code = axis, .x = amount_120});
}

static int flush(struct input *input)
{
    add(input, (struct record_event){.kind = RECORD_FLUSH});
    return LM_OK;
}

static void close_input(struct input *input)
{
    free(downcast(input));
}

static int open_input(const struct input_params *params, struct input **out)
{
    struct record *r = calloc(1, sizeof *r);
    if (!r)
        return LM_ENOMEM;
    r->base = (struct input){.ops = &input_record, .fd = -1};
    *out = &r->base;
    return LM_OK;
}

const struct record_event *record_events(const struct input *input, uint32_t *count)
{
    LM_CHECK(input->ops == &input_record);
    const struct record *r = (const struct record *)input;
    *count = r->count;
    return r->events;
}

void record_clear(struct input *input)
{
    downcast(input)->count = 0;
}

const struct input_ops input_record = {
    .name = "record",
    .open = open_input,
    .key = key,
    .text = text,
    .move = move,
    .move_to = move_to,
    .button = button,
    .scroll = scroll,
    .close = close_input,
    .flush = flush,
};
