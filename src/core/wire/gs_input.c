#include "core/wire/gs_input.h"

#include "core/base/bytes.h"
#include "core/base/check.h"

#include <math.h>

enum {
    HEADER_BYTES = 8,      /* size, magic */
    KEY_CODE_HIGH = 0x80,  /* what clients put above the virtual key */
    PAD_STATE_HEAD = 0x1a, /* constants of the state packet that no host reads */
    PAD_STATE_MID = 0x14,
    PAD_STATE_TAIL_A = 0x9c,
    PAD_STATE_TAIL_B = 0x55,
};

typedef int (*parse_fn)(struct lm_reader *r, struct lm_gs_input_event *out);
typedef void (*encode_fn)(struct lm_writer *w, const struct lm_gs_input_event *event);

struct packet_form {
    uint32_t magic;
    uint8_t total_bytes; /* the least, header included */
    enum lm_gs_input_kind kind;
    bool down; /* which of a pair of magics */
    parse_fn parse;
    encode_fn encode;
};

static int16_t read_be_s16(struct lm_reader *r)
{
    return (int16_t)lm_read_be16(r);
}

static int16_t read_le_s16(struct lm_reader *r)
{
    return (int16_t)lm_read_le16(r);
}

static void write_f32(struct lm_writer *w, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    lm_write_le32(w, bits);
}

/* Into 0..1; `*ok` turns false for NaN and infinities. */
static float read_unit(struct lm_reader *r, bool *ok)
{
    float value = lm_read_lef32(r);
    if (!isfinite(value)) {
        *ok = false;
        return 0;
    }
    return LM_CLAMP(value, 0.0f, 1.0f);
}

static uint16_t known_rotation(uint16_t degrees)
{
    return degrees <= 360 ? degrees : LM_GS_ROTATION_UNKNOWN;
}

static bool event_has_place(enum lm_gs_pointer_event event)
{
    return event != LM_GS_POINTER_CANCEL && event != LM_GS_POINTER_CANCEL_ALL &&
           event != LM_GS_POINTER_BUTTON;
}

/* ---- keyboard and mouse ---- */

static int parse_key(struct lm_reader *r, struct lm_gs_input_event *out)
{
    out->key.raw = lm_read_u8(r) & 1;
    out->key.vk = (uint8_t)lm_read_le16(r);
    out->key.modifiers = lm_read_u8(r);
    return LM_OK;
}

static void encode_key(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_u8(w, event->key.raw);
    lm_write_u8(w, event->key.vk);
    lm_write_u8(w, KEY_CODE_HIGH);
    lm_write_u8(w, event->key.modifiers);
    lm_write_le16(w, 0);
}

static int parse_move(struct lm_reader *r, struct lm_gs_input_event *out)
{
    out->move.dx = read_be_s16(r);
    out->move.dy = read_be_s16(r);
    return LM_OK;
}

static void encode_move(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_be16(w, (uint16_t)event->move.dx);
    lm_write_be16(w, (uint16_t)event->move.dy);
}

static int parse_place(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_mouse_place *place = &out->place;
    place->x = read_be_s16(r);
    place->y = read_be_s16(r);
    lm_read_be16(r);
    place->width = read_be_s16(r);
    place->height = read_be_s16(r);
    if (place->width <= 0 || place->height <= 0)
        return LM_EPROTO;
    place->x = LM_CLAMP(place->x, 0, place->width);
    place->y = LM_CLAMP(place->y, 0, place->height);
    return LM_OK;
}

static void encode_place(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_be16(w, (uint16_t)event->place.x);
    lm_write_be16(w, (uint16_t)event->place.y);
    lm_write_be16(w, 0);
    lm_write_be16(w, (uint16_t)event->place.width);
    lm_write_be16(w, (uint16_t)event->place.height);
}

static int parse_button(struct lm_reader *r, struct lm_gs_input_event *out)
{
    out->button.button = lm_read_u8(r);
    bool known = out->button.button >= LM_GS_BUTTON_LEFT && out->button.button <= LM_GS_BUTTON_X2;
    return known ? LM_OK : LM_ENOENT;
}

static void encode_button(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_u8(w, event->button.button);
}

static int parse_scroll(struct lm_reader *r, struct lm_gs_input_event *out)
{
    out->scroll.amount = read_be_s16(r);
    return LM_OK;
}

static void encode_scroll(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_be16(w, (uint16_t)event->scroll.amount);
    lm_write_be16(w, (uint16_t)event->scroll.amount);
    lm_write_be16(w, 0);
}

static void encode_hscroll(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_be16(w, (uint16_t)event->scroll.amount);
}

static int parse_haptics(struct lm_reader *r, struct lm_gs_input_event *out)
{
    return LM_OK;
}

static void encode_haptics(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_le16(w, 1);
}

static int parse_text(struct lm_reader *r, struct lm_gs_input_event *out)
{
    size_t size_bytes = lm_reader_left(r);
    if (size_bytes == 0 || size_bytes > sizeof out->text.utf8)
        return LM_EPROTO;
    out->text.size_bytes = (uint8_t)size_bytes;
    memcpy(out->text.utf8, lm_read_bytes(r, size_bytes), size_bytes);
    return LM_OK;
}

static void encode_text(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_bytes(w, event->text.utf8, LM_MIN(event->text.size_bytes, LM_GS_TEXT_MAX_BYTES));
}

/* ---- touch and pen ---- */

static int parse_touch(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_touch *touch = &out->touch;
    bool finite = true;
    touch->event = lm_read_u8(r);
    lm_read_u8(r);
    touch->rotation_deg = known_rotation(lm_read_le16(r));
    touch->pointer_id = lm_read_le32(r);
    touch->x = read_unit(r, &finite);
    touch->y = read_unit(r, &finite);
    touch->pressure = read_unit(r, &finite);
    touch->contact_major = read_unit(r, &finite);
    touch->contact_minor = read_unit(r, &finite);
    if (touch->event > LM_GS_POINTER_CANCEL_ALL)
        return LM_ENOENT;
    return finite || !event_has_place(touch->event) ? LM_OK : LM_EPROTO;
}

static void encode_touch(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    const struct lm_gs_touch *touch = &event->touch;
    lm_write_u8(w, (uint8_t)touch->event);
    lm_write_u8(w, 0);
    lm_write_le16(w, touch->rotation_deg);
    lm_write_le32(w, touch->pointer_id);
    write_f32(w, touch->x);
    write_f32(w, touch->y);
    write_f32(w, touch->pressure);
    write_f32(w, touch->contact_major);
    write_f32(w, touch->contact_minor);
}

static int parse_pen(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_pen *pen = &out->pen;
    bool finite = true;
    pen->event = lm_read_u8(r);
    pen->tip = lm_read_u8(r);
    pen->buttons = lm_read_u8(r);
    lm_read_u8(r);
    pen->x = read_unit(r, &finite);
    pen->y = read_unit(r, &finite);
    pen->pressure = read_unit(r, &finite);
    pen->rotation_deg = known_rotation(lm_read_le16(r));
    pen->tilt_deg = lm_read_u8(r);
    lm_read_u8(r);
    pen->contact_major = read_unit(r, &finite);
    pen->contact_minor = read_unit(r, &finite);
    if (pen->event > LM_GS_POINTER_CANCEL_ALL)
        return LM_ENOENT;
    if (pen->tip > 2)
        pen->tip = 0;
    if (pen->tilt_deg > 90)
        pen->tilt_deg = LM_GS_TILT_UNKNOWN;
    return finite || !event_has_place(pen->event) ? LM_OK : LM_EPROTO;
}

static void encode_pen(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    const struct lm_gs_pen *pen = &event->pen;
    lm_write_u8(w, (uint8_t)pen->event);
    lm_write_u8(w, pen->tip);
    lm_write_u8(w, pen->buttons);
    lm_write_u8(w, 0);
    write_f32(w, pen->x);
    write_f32(w, pen->y);
    write_f32(w, pen->pressure);
    lm_write_le16(w, pen->rotation_deg);
    lm_write_u8(w, pen->tilt_deg);
    lm_write_u8(w, 0);
    write_f32(w, pen->contact_major);
    write_f32(w, pen->contact_minor);
}

/* ---- gamepads ---- */

static int parse_pad_state(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_pad_state *pad = &out->pad;
    lm_read_le16(r);
    uint16_t number = lm_read_le16(r);
    pad->active_mask = lm_read_le16(r);
    lm_read_le16(r);
    pad->buttons = lm_read_le16(r);
    pad->left_trigger = lm_read_u8(r);
    pad->right_trigger = lm_read_u8(r);
    pad->left_x = read_le_s16(r);
    pad->left_y = read_le_s16(r);
    pad->right_x = read_le_s16(r);
    pad->right_y = read_le_s16(r);
    lm_read_le16(r);
    uint16_t high = lm_read_le16(r);
    /* Old applications sign-extend a 16-bit value: all ones is Y pressed, nothing more. */
    if (high != 0xffff)
        pad->buttons |= (uint32_t)high << 16;
    pad->pad = (uint8_t)number;
    return number < LM_GS_PAD_COUNT ? LM_OK : LM_ENOENT;
}

static void encode_pad_state(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    const struct lm_gs_pad_state *pad = &event->pad;
    lm_write_le16(w, PAD_STATE_HEAD);
    lm_write_le16(w, pad->pad);
    lm_write_le16(w, pad->active_mask);
    lm_write_le16(w, PAD_STATE_MID);
    lm_write_le16(w, (uint16_t)pad->buttons);
    lm_write_u8(w, pad->left_trigger);
    lm_write_u8(w, pad->right_trigger);
    lm_write_le16(w, (uint16_t)pad->left_x);
    lm_write_le16(w, (uint16_t)pad->left_y);
    lm_write_le16(w, (uint16_t)pad->right_x);
    lm_write_le16(w, (uint16_t)pad->right_y);
    lm_write_le16(w, PAD_STATE_TAIL_A);
    lm_write_le16(w, (uint16_t)(pad->buttons >> 16));
    lm_write_le16(w, PAD_STATE_TAIL_B);
}

static int parse_arrival(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_pad_arrival *arrival = &out->arrival;
    arrival->pad = lm_read_u8(r);
    arrival->type = lm_read_u8(r);
    arrival->capabilities = lm_read_le16(r);
    arrival->buttons = lm_read_le32(r);
    if (arrival->type > LM_GS_PAD_TYPE_STEAM)
        arrival->type = LM_GS_PAD_TYPE_UNKNOWN;
    if (arrival->capabilities & LM_GS_CAP_TWO_TOUCHPADS)
        arrival->capabilities |= LM_GS_CAP_TOUCHPAD;
    return arrival->pad < LM_GS_PAD_COUNT ? LM_OK : LM_ENOENT;
}

static void encode_arrival(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_u8(w, event->arrival.pad);
    lm_write_u8(w, event->arrival.type);
    lm_write_le16(w, event->arrival.capabilities);
    lm_write_le32(w, event->arrival.buttons);
}

static int parse_pad_touch(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_pad_touch *touch = &out->pad_touch;
    bool finite = true;
    touch->pad = lm_read_u8(r);
    touch->event = lm_read_u8(r);
    lm_read_u8(r);
    touch->touchpad = lm_read_u8(r);
    touch->pointer_id = lm_read_le32(r);
    touch->x = read_unit(r, &finite);
    touch->y = read_unit(r, &finite);
    touch->pressure = read_unit(r, &finite);
    if (touch->pad >= LM_GS_PAD_COUNT || touch->event > LM_GS_POINTER_CANCEL_ALL ||
        touch->touchpad > 1)
        return LM_ENOENT;
    return finite || !event_has_place(touch->event) ? LM_OK : LM_EPROTO;
}

static void encode_pad_touch(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    const struct lm_gs_pad_touch *touch = &event->pad_touch;
    lm_write_u8(w, touch->pad);
    lm_write_u8(w, (uint8_t)touch->event);
    lm_write_u8(w, 0);
    lm_write_u8(w, touch->touchpad);
    lm_write_le32(w, touch->pointer_id);
    write_f32(w, touch->x);
    write_f32(w, touch->y);
    write_f32(w, touch->pressure);
}

static int parse_motion(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_pad_motion *motion = &out->motion;
    motion->pad = lm_read_u8(r);
    motion->sensor = lm_read_u8(r);
    lm_read_le16(r);
    motion->x = lm_read_lef32(r);
    motion->y = lm_read_lef32(r);
    motion->z = lm_read_lef32(r);
    if (motion->pad >= LM_GS_PAD_COUNT || motion->sensor < LM_GS_SENSOR_ACCELEROMETER ||
        motion->sensor > LM_GS_SENSOR_GYROSCOPE)
        return LM_ENOENT;
    bool finite = isfinite(motion->x) && isfinite(motion->y) && isfinite(motion->z);
    return finite ? LM_OK : LM_EPROTO;
}

static void encode_motion(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_u8(w, event->motion.pad);
    lm_write_u8(w, event->motion.sensor);
    lm_write_le16(w, 0);
    write_f32(w, event->motion.x);
    write_f32(w, event->motion.y);
    write_f32(w, event->motion.z);
}

static int parse_battery(struct lm_reader *r, struct lm_gs_input_event *out)
{
    struct lm_gs_pad_battery *battery = &out->battery;
    battery->pad = lm_read_u8(r);
    battery->state = lm_read_u8(r);
    battery->percent = lm_read_u8(r);
    if (battery->state > 5)
        battery->state = 0;
    if (battery->percent > 100)
        battery->percent = 0xff;
    return battery->pad < LM_GS_PAD_COUNT ? LM_OK : LM_ENOENT;
}

static void encode_battery(struct lm_writer *w, const struct lm_gs_input_event *event)
{
    lm_write_u8(w, event->battery.pad);
    lm_write_u8(w, event->battery.state);
    lm_write_u8(w, event->battery.percent);
    lm_write_u8(w, 0);
}

/* ---- the table ---- */

static const struct packet_form forms[] = {
    {0x00000003, 14, LM_GS_INPUT_KEY, true, parse_key, encode_key},
    {0x00000004, 14, LM_GS_INPUT_KEY, false, parse_key, encode_key},
    {0x00000005, 18, LM_GS_INPUT_MOUSE_PLACE, false, parse_place, encode_place},
    {0x00000007, 12, LM_GS_INPUT_MOUSE_MOVE, false, parse_move, encode_move},
    {0x00000008, 9, LM_GS_INPUT_MOUSE_BUTTON, true, parse_button, encode_button},
    {0x00000009, 9, LM_GS_INPUT_MOUSE_BUTTON, false, parse_button, encode_button},
    {0x0000000a, 14, LM_GS_INPUT_SCROLL, false, parse_scroll, encode_scroll},
    {0x0000000c, 34, LM_GS_INPUT_PAD_STATE, false, parse_pad_state, encode_pad_state},
    {0x0000000d, 10, LM_GS_INPUT_HAPTICS, false, parse_haptics, encode_haptics},
    {0x00000017, 9, LM_GS_INPUT_TEXT, false, parse_text, encode_text},
    {0x55000001, 10, LM_GS_INPUT_HSCROLL, false, parse_scroll, encode_hscroll},
    {0x55000002, 36, LM_GS_INPUT_TOUCH, false, parse_touch, encode_touch},
    {0x55000003, 36, LM_GS_INPUT_PEN, false, parse_pen, encode_pen},
    {0x55000004, 16, LM_GS_INPUT_PAD_ARRIVAL, false, parse_arrival, encode_arrival},
    {0x55000005, 28, LM_GS_INPUT_PAD_TOUCH, false, parse_pad_touch, encode_pad_touch},
    {0x55000006, 24, LM_GS_INPUT_PAD_MOTION, false, parse_motion, encode_motion},
    {0x55000007, 12, LM_GS_INPUT_PAD_BATTERY, false, parse_battery, encode_battery},
};

int lm_gs_input_parse(const uint8_t *data, size_t size_bytes, struct lm_gs_input_event *out)
{
    if (size_bytes < HEADER_BYTES)
        return LM_EPROTO;
    uint32_t after = lm_get_be32(data);
    uint32_t magic = lm_get_le32(data + 4);
    if (after < HEADER_BYTES - 4 || after > size_bytes - 4)
        return LM_EPROTO;
    size_t total_bytes = (size_t)after + 4;
    for (size_t i = 0; i < LM_ARRAY_LEN(forms); i++) {
        if (forms[i].magic != magic)
            continue;
        if (total_bytes < forms[i].total_bytes)
            return LM_EPROTO;
        memset(out, 0, sizeof *out);
        out->kind = forms[i].kind;
        if (forms[i].kind == LM_GS_INPUT_KEY)
            out->key.down = forms[i].down;
        if (forms[i].kind == LM_GS_INPUT_MOUSE_BUTTON)
            out->button.down = forms[i].down;
        struct lm_reader r = lm_reader_of(data + HEADER_BYTES, total_bytes - HEADER_BYTES);
        int result = forms[i].parse(&r, out);
        LM_DCHECK(!r.bad);
        return result;
    }
    return LM_ENOENT;
}

int lm_gs_input_encode(const struct lm_gs_input_event *event, uint8_t *out, size_t capacity_bytes)
{
    bool down = (event->kind == LM_GS_INPUT_KEY && event->key.down) ||
                (event->kind == LM_GS_INPUT_MOUSE_BUTTON && event->button.down);
    for (size_t i = 0; i < LM_ARRAY_LEN(forms); i++) {
        if (forms[i].kind != event->kind || forms[i].down != down)
            continue;
        struct lm_writer w = lm_writer_of(out, capacity_bytes);
        lm_write_be32(&w, 0);
        lm_write_le32(&w, forms[i].magic);
        forms[i].encode(&w, event);
        if (w.bad)
            return LM_ELIMIT;
        lm_put_be32(out, (uint32_t)lm_writer_size(&w) - 4);
        return (int)lm_writer_size(&w);
    }
    return LM_EINVAL;
}

uint8_t lm_gs_input_channel(const struct lm_gs_input_event *event)
{
    enum { PAD_CHANNELS = 0x10, MOTION_CHANNELS = 0x20, PAD_MASK = LM_GS_PAD_COUNT - 1 };
    switch (event->kind) {
    case LM_GS_INPUT_KEY:
        return 2;
    case LM_GS_INPUT_MOUSE_MOVE:
    case LM_GS_INPUT_MOUSE_PLACE:
    case LM_GS_INPUT_MOUSE_BUTTON:
    case LM_GS_INPUT_SCROLL:
    case LM_GS_INPUT_HSCROLL:
        return 3;
    case LM_GS_INPUT_PEN:
        return 4;
    case LM_GS_INPUT_TOUCH:
        return 5;
    case LM_GS_INPUT_TEXT:
        return 6;
    case LM_GS_INPUT_PAD_STATE:
        return (uint8_t)(PAD_CHANNELS + (event->pad.pad & PAD_MASK));
    case LM_GS_INPUT_PAD_ARRIVAL:
        return (uint8_t)(PAD_CHANNELS + (event->arrival.pad & PAD_MASK));
    case LM_GS_INPUT_PAD_TOUCH:
        return (uint8_t)(PAD_CHANNELS + (event->pad_touch.pad & PAD_MASK));
    case LM_GS_INPUT_PAD_BATTERY:
        return (uint8_t)(PAD_CHANNELS + (event->battery.pad & PAD_MASK));
    case LM_GS_INPUT_PAD_MOTION:
        return (uint8_t)(MOTION_CHANNELS + (event->motion.pad & PAD_MASK));
    case LM_GS_INPUT_HAPTICS:
        break;
    }
    return 0;
}

static bool event_is_passing(enum lm_gs_pointer_event event)
{
    return event == LM_GS_POINTER_MOVE || event == LM_GS_POINTER_HOVER;
}

bool lm_gs_input_reliable(const struct lm_gs_input_event *event)
{
    const struct lm_gs_pad_motion *motion = &event->motion;
    switch (event->kind) {
    case LM_GS_INPUT_TOUCH:
        return !event_is_passing(event->touch.event);
    case LM_GS_INPUT_PEN:
        return !event_is_passing(event->pen.event);
    case LM_GS_INPUT_PAD_TOUCH:
        return !event_is_passing(event->pad_touch.event);
    case LM_GS_INPUT_PAD_MOTION: /* the gyroscope's zero says "at rest": it must arrive */
        return motion->sensor == LM_GS_SENSOR_GYROSCOPE && motion->x == 0 && motion->y == 0 &&
               motion->z == 0;
    default:
        return true;
    }
}
