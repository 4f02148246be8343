/* GameStream input packets: the payload of control message 0x0206. Mouse fields are big-endian,
 * all others little-endian. Parsing checks sizes and drops what no sound client sends
 * (non-finite floats, empty planes); it keeps no state. Any thread. */
#ifndef LUMEN_CORE_WIRE_GS_INPUT_H
#define LUMEN_CORE_WIRE_GS_INPUT_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LM_GS_INPUT_MAX_BYTES = 128, /* the largest packet we encode, header included */
    LM_GS_TEXT_MAX_BYTES = 32,   /* clients send one code point, at most 4 bytes */
    LM_GS_PAD_COUNT = 16,
    LM_GS_ROTATION_UNKNOWN = 0xffff,
    LM_GS_TILT_UNKNOWN = 0xff,
};

enum lm_gs_input_kind {
    LM_GS_INPUT_KEY = 1,
    LM_GS_INPUT_MOUSE_MOVE,
    LM_GS_INPUT_MOUSE_PLACE,
    LM_GS_INPUT_MOUSE_BUTTON,
    LM_GS_INPUT_SCROLL,
    LM_GS_INPUT_HSCROLL,
    LM_GS_INPUT_PAD_STATE,
    LM_GS_INPUT_HAPTICS,
    LM_GS_INPUT_TEXT,
    LM_GS_INPUT_TOUCH,
    LM_GS_INPUT_PEN,
    LM_GS_INPUT_PAD_ARRIVAL,
    LM_GS_INPUT_PAD_TOUCH,
    LM_GS_INPUT_PAD_MOTION,
    LM_GS_INPUT_PAD_BATTERY,
};

/* Modifier state at the client. */
enum { LM_GS_MOD_SHIFT = 1, LM_GS_MOD_CTRL = 2, LM_GS_MOD_ALT = 4, LM_GS_MOD_META = 8 };

/* enum lm_gs_pointer_event values are those of the wire. */
enum lm_gs_pointer_event {
    LM_GS_POINTER_HOVER = 0,
    LM_GS_POINTER_DOWN = 1,
    LM_GS_POINTER_UP = 2,
    LM_GS_POINTER_MOVE = 3,
    LM_GS_POINTER_CANCEL = 4,
    LM_GS_POINTER_BUTTON = 5,
    LM_GS_POINTER_LEAVE = 6,
    LM_GS_POINTER_CANCEL_ALL = 7,
};

/* Mouse buttons. */
enum {
    LM_GS_BUTTON_LEFT = 1,
    LM_GS_BUTTON_MIDDLE,
    LM_GS_BUTTON_RIGHT,
    LM_GS_BUTTON_X1,
    LM_GS_BUTTON_X2
};

/* Gamepad buttons, state.buttons and arrival.buttons. */
enum {
    LM_GS_PAD_UP = 0x1,
    LM_GS_PAD_DOWN = 0x2,
    LM_GS_PAD_LEFT = 0x4,
    LM_GS_PAD_RIGHT = 0x8,
    LM_GS_PAD_START = 0x10,
    LM_GS_PAD_BACK = 0x20,
    LM_GS_PAD_LSTICK = 0x40,
    LM_GS_PAD_RSTICK = 0x80,
    LM_GS_PAD_LB = 0x100,
    LM_GS_PAD_RB = 0x200,
    LM_GS_PAD_GUIDE = 0x400,
    LM_GS_PAD_A = 0x1000,
    LM_GS_PAD_B = 0x2000,
    LM_GS_PAD_X = 0x4000,
    LM_GS_PAD_Y = 0x8000,
    LM_GS_PAD_PADDLE1 = 0x10000,
    LM_GS_PAD_PADDLE2 = 0x20000,
    LM_GS_PAD_PADDLE3 = 0x40000,
    LM_GS_PAD_PADDLE4 = 0x80000,
    LM_GS_PAD_TOUCHPAD = 0x100000,
    LM_GS_PAD_MISC = 0x200000,
};

enum {
    LM_GS_PAD_TYPE_UNKNOWN,
    LM_GS_PAD_TYPE_XBOX,
    LM_GS_PAD_TYPE_PS,
    LM_GS_PAD_TYPE_NINTENDO,
    LM_GS_PAD_TYPE_STEAM
};

/* arrival.capabilities */
enum {
    LM_GS_CAP_ANALOG_TRIGGERS = 0x01,
    LM_GS_CAP_RUMBLE = 0x02,
    LM_GS_CAP_TRIGGER_RUMBLE = 0x04,
    LM_GS_CAP_TOUCHPAD = 0x08,
    LM_GS_CAP_ACCELEROMETER = 0x10,
    LM_GS_CAP_GYROSCOPE = 0x20,
    LM_GS_CAP_BATTERY = 0x40,
    LM_GS_CAP_LED = 0x80,
    LM_GS_CAP_TWO_TOUCHPADS = 0x100,
};

enum { LM_GS_SENSOR_ACCELEROMETER = 1, LM_GS_SENSOR_GYROSCOPE = 2 };

struct lm_gs_key {
    bool down;
    bool raw;          /* the client could not normalise the code to the US layout */
    uint8_t vk;        /* Windows virtual key; match releases by it alone */
    uint8_t modifiers; /* LM_GS_MOD_* */
};

struct lm_gs_mouse_move {
    int16_t dx, dy; /* counts; + is right, down */
};

/* A point on the client's picture; x in 0..width, y in 0..height inclusive, both planes > 0. */
struct lm_gs_mouse_place {
    int16_t x, y, width, height;
};

struct lm_gs_mouse_button {
    bool down;
    uint8_t button; /* LM_GS_BUTTON_* */
};

struct lm_gs_scroll {
    int16_t amount; /* 120 per notch; + is up, right */
};

struct lm_gs_pad_state {
    uint8_t pad;          /* 0..15 */
    uint16_t active_mask; /* bit n: pad n is there */
    uint32_t buttons;     /* LM_GS_PAD_* */
    uint8_t left_trigger, right_trigger;
    int16_t left_x, left_y, right_x, right_y; /* + is right, up */
};

struct lm_gs_text {
    uint8_t size_bytes;
    char utf8[LM_GS_TEXT_MAX_BYTES]; /* not NUL-terminated, not checked to be UTF-8 */
};

/* x, y and contact axes are clamped to 0..1 of the picture; pressure likewise. */
struct lm_gs_touch {
    enum lm_gs_pointer_event event;
    uint32_t pointer_id;
    uint16_t rotation_deg; /* 0..360 or LM_GS_ROTATION_UNKNOWN */
    float x, y, pressure, contact_major, contact_minor;
};

struct lm_gs_pen {
    enum lm_gs_pointer_event event;
    uint8_t tip;           /* 0 unknown, 1 pen, 2 eraser */
    uint8_t buttons;       /* 1 primary, 2 secondary, 4 tertiary */
    uint16_t rotation_deg; /* 0..360 or LM_GS_ROTATION_UNKNOWN */
    uint8_t tilt_deg;      /* 0..90 or LM_GS_TILT_UNKNOWN */
    float x, y, pressure, contact_major, contact_minor;
};

struct lm_gs_pad_arrival {
    uint8_t pad, type;
    uint16_t capabilities; /* LM_GS_CAP_* */
    uint32_t buttons;      /* those the pad has */
};

struct lm_gs_pad_touch {
    uint8_t pad;
    enum lm_gs_pointer_event event;
    uint8_t touchpad; /* 0 or 1 */
    uint32_t pointer_id;
    float x, y, pressure;
};

struct lm_gs_pad_motion {
    uint8_t pad, sensor; /* LM_GS_SENSOR_* */
    float x, y, z;       /* m/s^2 with gravity, or degrees per second */
};

struct lm_gs_pad_battery {
    uint8_t pad;
    uint8_t state;   /* 0 unknown, 1 none, 2 discharging, 3 charging, 4 not charging, 5 full */
    uint8_t percent; /* 0..100, or 0xff unknown */
};

struct lm_gs_input_event {
    enum lm_gs_input_kind kind;
    union {
        struct lm_gs_key key;
        struct lm_gs_mouse_move move;
        struct lm_gs_mouse_place place;
        struct lm_gs_mouse_button button;
        struct lm_gs_scroll scroll; /* both axes */
        struct lm_gs_pad_state pad;
        struct lm_gs_text text;
        struct lm_gs_touch touch;
        struct lm_gs_pen pen;
        struct lm_gs_pad_arrival arrival;
        struct lm_gs_pad_touch pad_touch;
        struct lm_gs_pad_motion motion;
        struct lm_gs_pad_battery battery;
    };
};

/* Reads one input packet (size field, magic, body). LM_ENOENT: a magic this version does not
 * know, or a pad number above 15, to be ignored; LM_EPROTO: too short or senseless, to be
 * dropped. */
int lm_gs_input_parse(const uint8_t *data, size_t size_bytes,
                      struct lm_gs_input_event *out) LM_MUST_USE;

/* Writes one input packet; returns its size, LM_ELIMIT when `capacity_bytes` is too small (never
 * with LM_GS_INPUT_MAX_BYTES), LM_EINVAL for an unknown kind. */
int lm_gs_input_encode(const struct lm_gs_input_event *event, uint8_t *out,
                       size_t capacity_bytes) LM_MUST_USE;

/* The ENet channel a current client uses for this event, 0..0x2f. */
uint8_t lm_gs_input_channel(const struct lm_gs_input_event *event);

/* False for moves and sensor samples that a later one replaces. */
bool lm_gs_input_reliable(const struct lm_gs_input_event *event);

#endif
