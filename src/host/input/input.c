#include "host/input/input.h"

#include "core/base/check.h"
#include "host/input/backends.h"

#include <linux/input-event-codes.h>
#include <math.h>
#include <string.h>

enum {
    MAX_KEY = 767,
    MAX_BUTTONS = 32,
    MAX_MOVE = 1 << 20,      /* counts; what the wire's fixed-point numbers can carry */
    MAX_SCROLL = 120 * 1000, /* nobody turns a wheel further at once */
};

_Static_assert(sizeof(((struct input *)0)->keys_held) * 8 > MAX_KEY, "a bit for every key");

const struct input_ops *const input_backends[] = {
#if HAVE_WLR
    &input_wlr_virtual,
#endif
    &input_record,
    NULL,
};

int input_open(const struct input_params *params, struct input **out)
{
    *out = NULL;
    if (!params->width || !params->height)
        return LM_EINVAL;
    for (int i = 0; input_backends[i]; i++) {
        const struct input_ops *ops = input_backends[i];
        /* A list that nobody reads is no input for those who did not ask for it. */
        if (params->backend ? strcmp(params->backend, ops->name) : ops == &input_record)
            continue;
        int rc = ops->open(params, out);
        if (rc == LM_OK) {
            LM_CHECK(*out && (*out)->ops == ops);
            input_set_size(*out, params->width, params->height);
            return LM_OK;
        }
        if (params->backend)
            return rc;
        lm_info(params->log, "input", "%s: %s", ops->name, lm_err_text(rc));
    }
    return params->backend ? LM_EUNSUPPORTED : LM_EDEVICE;
}

bool input_key_is_held(const struct input *input, uint32_t evdev_code)
{
    return evdev_code <= MAX_KEY && (input->keys_held[evdev_code / 64] >> evdev_code % 64 & 1);
}

void input_key(struct input *input, uint32_t evdev_code, bool down)
{
    if (!evdev_code || evdev_code > MAX_KEY || input_key_is_held(input, evdev_code) == down)
        return;
    input->keys_held[evdev_code / 64] ^= UINT64_C(1) << evdev_code % 64;
    input->ops->key(input, evdev_code, down);
}

void input_text(struct input *input, uint32_t code_point)
{
    if (!code_point || code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF))
        return;
    input->ops->text(input, code_point);
}

void input_move(struct input *input, int32_t dx, int32_t dy)
{
    if (dx || dy)
        input->ops->move(input, LM_CLAMP(dx, -MAX_MOVE, MAX_MOVE),
                         LM_CLAMP(dy, -MAX_MOVE, MAX_MOVE));
}

void input_move_to(struct input *input, float x, float y)
{
    if (isfinite(x) && isfinite(y))
        input->ops->move_to(input, LM_CLAMP(x, 0.0f, 1.0f), LM_CLAMP(y, 0.0f, 1.0f));
}

void input_button(struct input *input, uint32_t evdev_code, bool down)
{
    uint32_t index = evdev_code - BTN_LEFT;
    if (index >= MAX_BUTTONS || (input->buttons_held >> index & 1) == down)
        return;
    input->buttons_held ^= 1u << index;
    input->ops->button(input, evdev_code, down);
}

void input_scroll(struct input *input, enum input_axis axis, int32_t amount_120)
{
    if (amount_120 && (axis == INPUT_AXIS_VERTICAL || axis == INPUT_AXIS_HORIZONTAL))
        input->ops->scroll(input, axis, LM_CLAMP(amount_120, -MAX_SCROLL, MAX_SCROLL));
}

void input_set_size(struct input *input, uint32_t width, uint32_t height)
{
    LM_CHECK(width && height);
    input->width = width;
    input->height = height;
}

/* The last pressed ones would be nicer to go first, but nobody can tell at the end of a session. */
void input_release_all(struct input *input)
{
    for (uint32_t button = 0; button < MAX_BUTTONS; button++)
        input_button(input, BTN_LEFT + button, false);
    for (uint32_t code = 1; code <= MAX_KEY; code++)
        input_key(input, code, false);
}

int input_flush(struct input *input)
{
    return input->ops->flush(input);
}

void input_close(struct input *input)
{
    if (!input)
        return;
    input_release_all(input);
    int rc = input->ops->flush(input);
    (void)rc; /* a desktop that is gone holds nothing */
    input->ops->close(input);
}
