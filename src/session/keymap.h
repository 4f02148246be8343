/* Windows virtual keys, the language of GameStream key events, and Linux evdev key codes. */
#ifndef LUMEN_SESSION_KEYMAP_H
#define LUMEN_SESSION_KEYMAP_H

#include <stdbool.h>
#include <stdint.h>

/* The evdev code of a virtual key, 0 when it has none (ignore the event). */
uint16_t keymap_evdev_of_vk(uint8_t vk);

/* The virtual key a client sends for an evdev code, 0 when it has none. */
uint8_t keymap_vk_of_evdev(uint16_t evdev);

/* The virtual key is itself a modifier (0x10-0x12, 0x5b, 0x5c, 0xa0-0xa5). */
bool keymap_vk_is_modifier(uint8_t vk);

/* evdev codes (left variants) of LM_GS_MOD_* bit `mod`, 0 for anything else. */
uint16_t keymap_evdev_of_modifier(uint8_t mod);

#endif
