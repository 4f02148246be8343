#include "host/input_events.h"

#include "core/base/check.h"
#include "session/keymap.h"

#include <linux/input-event-codes.h>

/* Left and right variants of each modifier; either counts as held. */
static const struct {
    uint8_t mod;
    uint16_t left, right;
} modifiers[] = {
    {LM_GS_MOD_SHIFT, KEY_LEFTSHIFT, KEY_RIGHTSHIFT},
    {LM_GS_MOD_CTRL, KEY_LEFTCTRL, KEY_RIGHTCTRL},
    {LM_GS_MOD_ALT, KEY_LEFTALT, KEY_RIGHTALT},
    {LM_GS_MOD_META, KEY_LEFTMETA, KEY_RIGHTMETA},
};

static void apply_key(struct input *input, const struct lm_gs_key *key)
{
    uint16_t code = keymap_evdev_of_vk(key->vk);
    if (!code)
        return;
    if (!key->down || keymap_vk_is_modifier(key->vk) || input_key_is_held(input, code)) {
        input_key(input, code, key->down);
        return;
    }
    /* A client may tell a modifier only with the key it modifies: press it around the key. */
    uint32_t added = 0;
    for (uint32_t i = 0; i < LM_ARRAY_LEN(modifiers); i++)
        if ((key->modifiers & modifiers[i].mod) && !input_key_is_held(input, modifiers[i].left) &&
            !input_key_is_held(input, modifiers[i].right)) {
            input_key(input, modifiers[i].left, true);
            added |= 1u << i;
        }
    input_key(input, code, true);
    for (uint32_t i = LM_ARRAY_LEN(modifiers); i-- > 0;)
        if (added & (1u << i))
            input_key(input, modifiers[i].left, false);
}

static void apply_button(struct input *input, const struct lm_gs_mouse_button *button)
{
    static const uint16_t codes[] = {
        [LM_GS_BUTTON_LEFT] = BTN_LEFT,   [LM_GS_BUTTON_MIDDLE] = BTN_MIDDLE,
        [LM_GS_BUTTON_RIGHT] = BTN_RIGHT, [LM_GS_BUTTON_X1] = BTN_SIDE,
        [LM_GS_BUTTON_X2] = BTN_EXTRA,
    };
    if (button->button < LM_ARRAY_LEN(codes) && codes[button->button])
        input_button(input, codes[button->button], button->down);
}

/* One code point of UTF-8; 0 for anything malformed. `used` is at least 1. */
static uint32_t decode_utf8(const uint8_t *p, size_t left, size_t *used)
{
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
    *used = 1;
    if (n == 0 || n > left)
        return 0;
    uint32_t value = n == 1 ? p[0] : p[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        value = value << 6 | (p[i] & 0x3f);
    }
    *used = n;
    return value < smallest[n] ? 0 : value;
}

static void apply_text(struct input *input, const struct lm_gs_text *text)
{
    const uint8_t *p = (const uint8_t *)text->utf8;
    for (size_t at = 0, used; at < text->size_bytes; at += used) {
        uint32_t code_point = decode_utf8(p + at, text->size_bytes - at, &used);
        if (code_point)
            input_text(input, code_point);
    }
}

void input_events_apply(struct input *input, const struct lm_gs_input_event *event)
{
    switch (event->kind) {
    case LM_GS_INPUT_KEY:
        apply_key(input, &event->key);
        break;
    case LM_GS_INPUT_MOUSE_MOVE:
        input_move(input, event->move.dx, event->move.dy);
        break;
    case LM_GS_INPUT_MOUSE_PLACE:
        input_move_to(input, (float)event->place.x / (float)event->place.width,
                      (float)event->place.y / (float)event->place.height);
        break;
    case LM_GS_INPUT_MOUSE_BUTTON:
        apply_button(input, &event->button);
        break;
    case LM_GS_INPUT_SCROLL:
        input_scroll(input, INPUT_AXIS_VERTICAL, event->scroll.amount);
        break;
    case LM_GS_INPUT_HSCROLL:
        input_scroll(input, INPUT_AXIS_HORIZONTAL, event->scroll.amount);
        break;
    case LM_GS_INPUT_TEXT:
        apply_text(input, &event->text);
        break;
    default:
        break;
    }
}
