#include "session/keymap.h"

#include "core/wire/gs_input.h"

enum {
    EVDEV_KPENTER = 96,
    EVDEV_LEFTCTRL = 29,
    EVDEV_LEFTSHIFT = 42,
    EVDEV_LEFTALT = 56,
    EVDEV_LEFTMETA = 125,
    VK_RETURN = 0x0d,
    VK_ABNT_C2 = 0xc2,
};

/* Index: virtual key. Keys of Japanese and Korean layouts (0x15-0x1d) have no agreed mapping. */
static const uint16_t evdev_of_vk[256] = {
    /* clang-format off */
    [0x03] = 119, [0x08] = 14, [0x09] = 15, [0x0c] = 355, [0x0d] = 28, [0x10] = 42, [0x11] = 29,
    [0x12] = 56, [0x13] = 119, [0x14] = 58, [0x15] = 93, [0x16] = 122, [0x17] = 123, [0x19] = 90,
    [0x1b] = 1, [0x1c] = 92, [0x1d] = 94, [0x20] = 57, [0x21] = 104, [0x22] = 109, [0x23] = 107,
    [0x24] = 102, [0x25] = 105, [0x26] = 103, [0x27] = 106, [0x28] = 108, [0x29] = 353,
    [0x2a] = 210, [0x2b] = 134, [0x2c] = 99, [0x2d] = 110, [0x2e] = 111, [0x2f] = 138,
    [0x30] = 11, [0x31] = 2, [0x32] = 3, [0x33] = 4, [0x34] = 5, [0x35] = 6, [0x36] = 7,
    [0x37] = 8, [0x38] = 9, [0x39] = 10, [0x41] = 30, [0x42] = 48, [0x43] = 46, [0x44] = 32,
    [0x45] = 18, [0x46] = 33, [0x47] = 34, [0x48] = 35, [0x49] = 23, [0x4a] = 36, [0x4b] = 37,
    [0x4c] = 38, [0x4d] = 50, [0x4e] = 49, [0x4f] = 24, [0x50] = 25, [0x51] = 16, [0x52] = 19,
    [0x53] = 31, [0x54] = 20, [0x55] = 22, [0x56] = 47, [0x57] = 17, [0x58] = 45, [0x59] = 21,
    [0x5a] = 44, [0x5b] = 125, [0x5c] = 126, [0x5d] = 127, [0x5f] = 142, [0x60] = 82, [0x61] = 79,
    [0x62] = 80, [0x63] = 81, [0x64] = 75, [0x65] = 76, [0x66] = 77, [0x67] = 71, [0x68] = 72,
    [0x69] = 73, [0x6a] = 55, [0x6b] = 78, [0x6c] = 121, [0x6d] = 74, [0x6e] = 83, [0x6f] = 98,
    [0x70] = 59, [0x71] = 60, [0x72] = 61, [0x73] = 62, [0x74] = 63, [0x75] = 64, [0x76] = 65,
    [0x77] = 66, [0x78] = 67, [0x79] = 68, [0x7a] = 87, [0x7b] = 88, [0x7c] = 183, [0x7d] = 184,
    [0x7e] = 185, [0x7f] = 186, [0x80] = 187, [0x81] = 188, [0x82] = 189, [0x83] = 190,
    [0x84] = 191, [0x85] = 192, [0x86] = 193, [0x87] = 194, [0x90] = 69, [0x91] = 70, [0xa0] = 42,
    [0xa1] = 54, [0xa2] = 29, [0xa3] = 97, [0xa4] = 56, [0xa5] = 100, [0xa6] = 158, [0xa7] = 159,
    [0xa8] = 173, [0xa9] = 128, [0xaa] = 217, [0xab] = 156, [0xac] = 172, [0xad] = 113,
    [0xae] = 114, [0xaf] = 115, [0xb0] = 163, [0xb1] = 165, [0xb2] = 166, [0xb3] = 164,
    [0xb4] = 155, [0xb5] = 226, [0xb6] = 157, [0xb7] = 140, [0xba] = 39, [0xbb] = 13, [0xbc] = 51,
    [0xbd] = 12, [0xbe] = 52, [0xbf] = 53, [0xc0] = 41, [0xc1] = 89, [0xc2] = 121, [0xdb] = 26,
    [0xdc] = 43, [0xdd] = 27, [0xde] = 40, [0xe2] = 86, [0xfa] = 207,
    /* clang-format on */
};

uint16_t keymap_evdev_of_vk(uint8_t vk)
{
    return evdev_of_vk[vk];
}

/* Where several virtual keys mean one evdev key the highest is the one clients send: 0xa0-0xa5
 * tell left from right. */
uint8_t keymap_vk_of_evdev(uint16_t evdev)
{
    if (evdev == EVDEV_KPENTER)
        return VK_RETURN;
    for (unsigned vk = 0xff; vk && evdev; vk--)
        if (evdev_of_vk[vk] == evdev && vk != VK_ABNT_C2)
            return (uint8_t)vk;
    return 0;
}

bool keymap_vk_is_modifier(uint8_t vk)
{
    return (vk >= 0x10 && vk <= 0x12) || vk == 0x5b || vk == 0x5c || (vk >= 0xa0 && vk <= 0xa5);
}

uint16_t keymap_evdev_of_modifier(uint8_t mod)
{
    switch (mod) {
    case LM_GS_MOD_SHIFT:
        return EVDEV_LEFTSHIFT;
    case LM_GS_MOD_CTRL:
        return EVDEV_LEFTCTRL;
    case LM_GS_MOD_ALT:
        return EVDEV_LEFTALT;
    case LM_GS_MOD_META:
        return EVDEV_LEFTMETA;
    default:
        return 0;
    }
}
