/* Seam: a client's keyboard and pointer into its session's desktop. Owned by the control thread.
 * Verbs queue; input_flush hands over. Everything held is released by input_release_all and by
 * close. */
#ifndef LUMEN_HOST_INPUT_INPUT_H
#define LUMEN_HOST_INPUT_INPUT_H

#include "core/base/err.h"
#include "core/base/log.h"

#include <stdbool.h>
#include <stdint.h>

struct input_params {
    const char *backend;         /* "wlr-virtual", "record", or NULL: the first that works */
    const char *wayland_socket;  /* absolute path */
    const char *output_name;     /* absolute positions refer to this output */
    uint32_t width, height;      /* of the output, pixels */
    const char *keyboard_layout; /* xkb layout, "us" or "de(nodeadkeys)"; NULL: "us" */
    const struct lm_log *log;
};

enum input_axis { INPUT_AXIS_VERTICAL = 1, INPUT_AXIS_HORIZONTAL };

struct input;

struct input_ops {
    const char *name;
    int (*open)(const struct input_params *params, struct input **out);
    void (*key)(struct input *input, uint32_t evdev_code, bool down);
    void (*text)(struct input *input, uint32_t code_point);
    void (*move)(struct input *input, int32_t dx, int32_t dy);
    void (*move_to)(struct input *input, float x, float y);
    void (*button)(struct input *input, uint32_t evdev_code, bool down);
    void (*scroll)(struct input *input, enum input_axis axis, int32_t amount_120);
    void (*close)(struct input *input);
    int (*flush)(struct input *input);
};

struct input {
    const struct input_ops *ops;
    uint32_t width, height; /* of the output, pixels: the plane of input_move_to */
    int fd; /* readable when the compositor says something: call input_flush; -1: never */
    /* What is held, kept by input.c: */
    uint64_t keys_held[12]; /* bit per evdev code 0..767 */
    uint32_t buttons_held;  /* bit per BTN_LEFT + n, n = 0..31 */
};

extern const struct input_ops *const input_backends[];

int input_open(const struct input_params *params, struct input **out) LM_MUST_USE;

/* evdev code 1..767. A second down without an up, or an up of what is not held, is no event. */
void input_key(struct input *input, uint32_t evdev_code, bool down);

/* Types one character, whatever the layout. Surrogates and values above U+10FFFF are ignored. */
void input_text(struct input *input, uint32_t code_point);

/* Counts, +x right, +y down. */
void input_move(struct input *input, int32_t dx, int32_t dy);

/* 0..1 across the output; clamped; not-finite values are ignored. */
void input_move_to(struct input *input, float x, float y);

/* evdev BTN_LEFT.. */
void input_button(struct input *input, uint32_t evdev_code, bool down);

/* 120 per notch, any amount; + is up (vertical) or right (horizontal). */
void input_scroll(struct input *input, enum input_axis axis, int32_t amount_120);

/* The output has a new mode. */
void input_set_size(struct input *input, uint32_t width, uint32_t height);

bool input_key_is_held(const struct input *input, uint32_t evdev_code);
void input_release_all(struct input *input);

/* LM_EDEVICE when the desktop is gone: close. Never blocks. */
int input_flush(struct input *input) LM_MUST_USE;

/* Releases what is held first. NULL-safe. */
void input_close(struct input *input);

#endif
