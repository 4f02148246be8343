#include "client/grab/keys.h"

#include "core/base/check.h"
#include "core/wire/gs_input.h"

#include <stdlib.h>
#include <strings.h>

/* Usages of the USB HID keyboard page, which SDL scancodes are. */
static const struct {
    uint16_t scancode;
    uint8_t vk;
    const char *name; /* NULL: letters, digits and F keys are computed */
} keys[] = {
    {40, 0x0D, "ENTER"},
    {41, 0x1B, "ESCAPE"},
    {42, 0x08, "BACKSPACE"},
    {43, 0x09, "TAB"},
    {44, 0x20, "SPACE"},
    {45, 0xBD, "MINUS"},
    {46, 0xBB, "EQUAL"},
    {47, 0xDB, "LEFTBRACE"},
    {48, 0xDD, "RIGHTBRACE"},
    {49, 0xDC, "BACKSLASH"},
    {50, 0xDC, NULL}, /* the key beside Enter on ISO keyboards */
    {51, 0xBA, "SEMICOLON"},
    {52, 0xDE, "APOSTROPHE"},
    {53, 0xC0, "GRAVE"},
    {54, 0xBC, "COMMA"},
    {55, 0xBE, "DOT"},
    {56, 0xBF, "SLASH"},
    {57, 0x14, "CAPSLOCK"},
    {70, 0x2C, "PRINT"},
    {71, 0x91, "SCROLLLOCK"},
    {72, 0x13, "PAUSE"},
    {73, 0x2D, "INSERT"},
    {74, 0x24, "HOME"},
    {75, 0x21, "PAGEUP"},
    {76, 0x2E, "DELETE"},
    {77, 0x23, "END"},
    {78, 0x22, "PAGEDOWN"},
    {79, 0x27, "RIGHT"},
    {80, 0x25, "LEFT"},
    {81, 0x28, "DOWN"},
    {82, 0x26, "UP"},
    {83, 0x90, "NUMLOCK"},
    {84, 0x6F, "KPSLASH"},
    {85, 0x6A, "KPASTERISK"},
    {86, 0x6D, "KPMINUS"},
    {87, 0x6B, "KPPLUS"},
    {88, 0x0D, "KPENTER"}, /* there is no code of its own */
    {98, 0x60, "KP0"},
    {99, 0x6E, "KPDOT"},
    {100, 0xE2, "102ND"},
    {101, 0x5D, "MENU"},
    {120, 0xA9, "STOP"},
    {127, 0xAD, "MUTE"},
    {128, 0xAF, "VOLUMEUP"},
    {129, 0xAE, "VOLUMEDOWN"},
    {133, 0x6C, "KPCOMMA"},
    {135, 0xE2, NULL}, /* International 1 */
    {137, 0xDC, NULL}, /* International 3 */
    {144, 0x1C, NULL}, /* Lang 1 */
    {145, 0x1D, NULL}, /* Lang 2 */
    {156, 0x0C, "CLEAR"},
    {224, 0xA2, "CTRL"},
    {225, 0xA0, "SHIFT"},
    {226, 0xA4, "ALT"},
    {227, 0x5B, "META"},
    {228, 0xA3, "RIGHTCTRL"},
    {229, 0xA1, "RIGHTSHIFT"},
    {230, 0xA5, "RIGHTALT"},
    {231, 0x5C, "RIGHTMETA"},
    {258, 0xB0, "NEXTSONG"},
    {259, 0xB1, "PREVIOUSSONG"},
    {260, 0xB2, "STOPCD"},
    {261, 0xB3, "PLAYPAUSE"},
};

uint8_t keys_vk_of_scancode(int scancode)
{
    if (scancode >= 4 && scancode <= 29) /* A..Z */
        return (uint8_t)(0x41 + scancode - 4);
    if (scancode >= 30 && scancode <= 38) /* 1..9 */
        return (uint8_t)(0x31 + scancode - 30);
    if (scancode == 39)
        return 0x30;
    if (scancode >= 58 && scancode <= 69) /* F1..F12 */
        return (uint8_t)(0x70 + scancode - 58);
    if (scancode >= 104 && scancode <= 115) /* F13..F24 */
        return (uint8_t)(0x7C + scancode - 104);
    if (scancode >= 89 && scancode <= 97) /* keypad 1..9 */
        return (uint8_t)(0x61 + scancode - 89);
    for (size_t i = 0; i < LM_ARRAY_LEN(keys); i++)
        if (keys[i].scancode == scancode)
            return keys[i].vk;
    return 0;
}

static uint8_t vk_of_number(const char *text, int base, long min, long max, long first_vk)
{
    char *end;
    long value = strtol(text, &end, base);
    return *text && !*end && value >= min && value <= max ? (uint8_t)(first_vk + value - min) : 0;
}

uint8_t keys_vk_of_name(const char *name)
{
    char c = name[0];
    if (c && !name[1]) {
        if (c >= 'a' && c <= 'z')
            return (uint8_t)(c - 'a' + 'A');
        return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? (uint8_t)c : 0;
    }
    if (c == '0' && (name[1] == 'x' || name[1] == 'X'))
        return vk_of_number(name + 2, 16, 1, 0xFE, 1);
    for (size_t i = 0; i < LM_ARRAY_LEN(keys); i++)
        if (keys[i].name && strcasecmp(keys[i].name, name) == 0)
            return keys[i].vk;
    if (c == 'F' || c == 'f')
        return vk_of_number(name + 1, 10, 1, 24, 0x70);
    if (strncasecmp(name, "KP", 2) == 0)
        return vk_of_number(name + 2, 10, 1, 9, 0x61);
    return 0;
}

uint8_t keys_modifier_of_vk(uint8_t vk)
{
    switch (vk) {
    case 0x10:
    case 0xA0:
    case 0xA1:
        return LM_GS_MOD_SHIFT;
    case 0x11:
    case 0xA2:
    case 0xA3:
        return LM_GS_MOD_CTRL;
    case 0x12:
    case 0xA4:
    case 0xA5:
        return LM_GS_MOD_ALT;
    case 0x5B:
    case 0x5C:
        return LM_GS_MOD_META;
    default:
        return 0;
    }
}
