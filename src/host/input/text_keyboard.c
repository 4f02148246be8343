#include "host/input/text_keyboard.h"

#include "core/base/check.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"

#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

enum { XKB_OFFSET = 8, KEYMAP_BYTES = 8192 };

static const uint8_t keys[] = {
    KEY_A,     KEY_B,         KEY_C,         KEY_D,          KEY_E,         KEY_F,
    KEY_G,     KEY_H,         KEY_I,         KEY_J,          KEY_K,         KEY_L,
    KEY_M,     KEY_N,         KEY_O,         KEY_P,          KEY_Q,         KEY_R,
    KEY_S,     KEY_T,         KEY_U,         KEY_V,          KEY_W,         KEY_X,
    KEY_Y,     KEY_Z,         KEY_1,         KEY_2,          KEY_3,         KEY_4,
    KEY_5,     KEY_6,         KEY_7,         KEY_8,          KEY_9,         KEY_0,
    KEY_MINUS, KEY_EQUAL,     KEY_LEFTBRACE, KEY_RIGHTBRACE, KEY_SEMICOLON, KEY_APOSTROPHE,
    KEY_GRAVE, KEY_BACKSLASH, KEY_COMMA,     KEY_DOT,        KEY_SLASH,
};
_Static_assert(sizeof keys == TEXT_KEYBOARD_KEYS, "a key for each character");

static int send_text(struct zwp_virtual_keyboard_v1 *proxy, const char *text)
{
    size_t size_bytes = strlen(text) + 1;
    int fd = memfd_create("lumen-keymap", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return LM_EIO;
    int rc = LM_EIO;
    if (write(fd, text, size_bytes) == (ssize_t)size_bytes &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0) {
        zwp_virtual_keyboard_v1_keymap(proxy, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd,
                                       (uint32_t)size_bytes);
        rc = LM_OK;
    }
    close(fd);
    return rc;
}

int text_keyboard_send_keymap(struct zwp_virtual_keyboard_v1 *proxy, struct xkb_keymap *keymap)
{
    char *text = xkb_keymap_get_as_string(keymap, XKB_KEYMAP_FORMAT_TEXT_V1);
    if (!text)
        return LM_ENOMEM;
    int rc = send_text(proxy, text);
    free(text);
    return rc;
}

/* Small and without includes: X11's server and every program compile it at each new character. The
 * four types are those that X11 takes for granted. */
static const char before_symbols[] =
    "};\n"
    "xkb_types \"lumen\" {\n"
    "type \"ONE_LEVEL\" { modifiers = none; level_name[Level1] = \"Any\"; };\n"
    "type \"TWO_LEVEL\" { modifiers = Shift; map[Shift] = Level2; level_name[Level1] = \"Base\"; "
    "level_name[Level2] = \"Shift\"; };\n"
    "type \"ALPHABETIC\" { modifiers = Shift + Lock; map[Shift] = Level2; map[Lock] = Level2; "
    "level_name[Level1] = \"Base\"; level_name[Level2] = \"Caps\"; };\n"
    "type \"KEYPAD\" { modifiers = Shift; map[Shift] = Level2; level_name[Level1] = \"Base\"; "
    "level_name[Level2] = \"Number\"; };\n"
    "};\n"
    "xkb_compatibility \"lumen\" { };\n"
    "xkb_symbols \"lumen\" {\n";

static int make_keymap(const struct text_keyboard *keyboard, char *text, size_t size_bytes)
{
    char name[64];
    FILE *out = fmemopen(text, size_bytes, "w");
    if (!out)
        return LM_ENOMEM;
    fputs("xkb_keymap {\nxkb_keycodes \"lumen\" {\nminimum = 8;\nmaximum = 255;\n", out);
    for (uint32_t i = 0; i < keyboard->count; i++)
        fprintf(out, "<T%02u> = %u;\n", i, keys[i] + XKB_OFFSET);
    fputs(before_symbols, out);
    for (uint32_t i = 0; i < keyboard->count; i++) {
        xkb_keysym_get_name(xkb_utf32_to_keysym(keyboard->code_points[i]), name, sizeof name);
        fprintf(out, "key <T%02u> { [ %s ] };\n", i, name);
    }
    fputs("};\n};\n", out);
    bool fits = !ferror(out);
    fits &= fclose(out) == 0;
    return fits ? LM_OK : LM_ELIMIT;
}

/* The key that types it, after a new keymap if need be; or a negative code. */
static int key_for(struct text_keyboard *keyboard, uint32_t code_point)
{
    for (uint32_t i = 0; i < keyboard->count; i++)
        if (keyboard->code_points[i] == code_point)
            return keys[i];
    if (xkb_utf32_to_keysym(code_point) == XKB_KEY_NoSymbol)
        return LM_EUNSUPPORTED;
    /* Full: start over. Events are in order, so no program sees an old key with the new map. */
    if (keyboard->count == TEXT_KEYBOARD_KEYS)
        keyboard->count = 0;
    keyboard->code_points[keyboard->count++] = code_point;
    char text[KEYMAP_BYTES];
    int rc = make_keymap(keyboard, text, sizeof text);
    if (rc == LM_OK)
        rc = send_text(keyboard->proxy, text);
    if (rc < 0) {
        keyboard->count--;
        return rc;
    }
    return keys[keyboard->count - 1];
}

int text_keyboard_type(struct text_keyboard *keyboard, uint32_t code_point, uint32_t time_ms)
{
    int key = key_for(keyboard, code_point);
    if (key < 0)
        return key;
    zwp_virtual_keyboard_v1_modifiers(keyboard->proxy, 0, 0, 0, 0);
    zwp_virtual_keyboard_v1_key(keyboard->proxy, time_ms, (uint32_t)key,
                                WL_KEYBOARD_KEY_STATE_PRESSED);
    zwp_virtual_keyboard_v1_key(keyboard->proxy, time_ms, (uint32_t)key,
                                WL_KEYBOARD_KEY_STATE_RELEASED);
    return LM_OK;
}

void text_keyboard_init(struct text_keyboard *keyboard, struct zwp_virtual_keyboard_v1 *proxy)
{
    *keyboard = (struct text_keyboard){.proxy = proxy};
}

void text_keyboard_finish(struct text_keyboard *keyboard)
{
    if (keyboard->proxy)
        zwp_virtual_keyboard_v1_destroy(keyboard->proxy);
    memset(keyboard, 0, sizeof *keyboard);
}
