/* A second virtual keyboard that types what the layout cannot: each new character gets a key of a
 * keymap made for the purpose. Belongs to the owner of the input. */
#ifndef LUMEN_HOST_INPUT_TEXT_KEYBOARD_H
#define LUMEN_HOST_INPUT_TEXT_KEYBOARD_H

#include "core/base/err.h"

#include <stdint.h>

struct xkb_keymap;
struct zwp_virtual_keyboard_v1;

/* Keys that have letters and signs on them anyway: programs that look at the key and not at the
 * character see nothing strange, and X11's limit of 255 is kept. */
enum { TEXT_KEYBOARD_KEYS = 47 };

struct text_keyboard {
    struct zwp_virtual_keyboard_v1 *proxy;
    uint32_t code_points[TEXT_KEYBOARD_KEYS]; /* of the keymap in force */
    uint32_t count;
};

/* Takes the proxy. */
void text_keyboard_init(struct text_keyboard *keyboard, struct zwp_virtual_keyboard_v1 *proxy);
void text_keyboard_finish(struct text_keyboard *keyboard);

/* Presses and releases. LM_EUNSUPPORTED when no keymap can express the character. */
int text_keyboard_type(struct text_keyboard *keyboard, uint32_t code_point,
                       uint32_t time_ms) LM_MUST_USE;

/* Hands a keymap to a virtual keyboard. LM_EIO or LM_ENOMEM. */
int text_keyboard_send_keymap(struct zwp_virtual_keyboard_v1 *proxy,
                              struct xkb_keymap *keymap) LM_MUST_USE;

#endif
