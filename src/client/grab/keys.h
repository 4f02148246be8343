/* Keys of this machine and of scripts, as Windows virtual keys. A virtual key stands for a place on
 * a US keyboard, so scancodes are what counts, not what is printed on the caps. Any thread. */
#ifndef LUMEN_CLIENT_GRAB_KEYS_H
#define LUMEN_CLIENT_GRAB_KEYS_H

#include <stdint.h>

/* Of an SDL scancode (a USB HID usage); 0 when it has none. */
uint8_t keys_vk_of_scancode(int scancode);

/* Of "A", "7", "ENTER", "F5", "CTRL", "0x41"; case does not matter; 0 when unknown. */
uint8_t keys_vk_of_name(const char *name);

/* The LM_GS_MOD_* bit a virtual key stands for, 0 for all but modifiers. */
uint8_t keys_modifier_of_vk(uint8_t vk);

#endif
