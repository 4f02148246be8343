/* Input through the wlr virtual pointer and the virtual keyboard. The seat has a pointer and a
 * keyboard only as long as such devices exist, so they live as long as the input. */
#include "core/base/check.h"
#include "core/transport/clock.h"
#include "host/capture/wlconn.h"
#include "host/input/backends.h"
#include "host/input/text_keyboard.h"
#include "virtual-keyboard-unstable-v1-client-protocol.h"
#include "wlr-virtual-pointer-unstable-v1-client-protocol.h"

#include <linux/input-event-codes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

#define AREA            "input"
#define OPEN_TIMEOUT_NS (5 * LM_NS_PER_S)

enum {
    XKB_OFFSET = 8,
    MAX_LEVELS = 8,
    /* A notch is 15 in wl_pointer's units, in 1/256; 32 for each 1/120 of it. */
    AXIS_FIXED_PER_120TH = 15 * 256 / 120,
};

struct mods {
    uint32_t depressed, latched, locked, group;
};

struct wlr_input {
    struct input base; /* first: the seam casts */
    const struct lm_log *log;
    struct wlconn conn;
    struct wl_seat *seat;
    struct zwlr_virtual_pointer_manager_v1 *pointer_manager;
    struct zwp_virtual_keyboard_manager_v1 *keyboard_manager;
    struct zwlr_virtual_pointer_v1 *pointer;
    struct zwp_virtual_keyboard_v1 *keyboard;
    struct xkb_context *xkb;
    struct xkb_keymap *keymap;
    struct xkb_state *state; /* what the keys pressed so far amount to */
    struct mods sent;        /* the last modifiers of `keyboard` */
    struct text_keyboard text;
    bool text_in_force; /* programs see the text keyboard's keymap now */
};

static struct wlr_input *downcast(struct input *input)
{
    LM_CHECK(input->ops == &input_wlr_virtual);
    return (struct wlr_input *)input;
}

static uint32_t now_ms(void)
{
    return (uint32_t)(lm_clock_now_ns() / LM_NS_PER_MS);
}

static struct mods current_mods(const struct wlr_input *in)
{
    return (struct mods){
        .depressed = xkb_state_serialize_mods(in->state, XKB_STATE_MODS_DEPRESSED),
        .latched = xkb_state_serialize_mods(in->state, XKB_STATE_MODS_LATCHED),
        .locked = xkb_state_serialize_mods(in->state, XKB_STATE_MODS_LOCKED),
        .group = xkb_state_serialize_layout(in->state, XKB_STATE_LAYOUT_EFFECTIVE),
    };
}

static void send_mods(struct wlr_input *in, struct mods mods)
{
    in->sent = mods;
    zwp_virtual_keyboard_v1_modifiers(in->keyboard, mods.depressed, mods.latched, mods.locked,
                                      mods.group);
}

static void update_mods(struct wlr_input *in)
{
    struct mods mods = current_mods(in);
    if (memcmp(&mods, &in->sent, sizeof mods))
        send_mods(in, mods);
}

static void send_key(struct wlr_input *in, uint32_t evdev_code, bool down)
{
    zwp_virtual_keyboard_v1_key(in->keyboard, now_ms(), evdev_code,
                                down ? WL_KEYBOARD_KEY_STATE_PRESSED
                                     : WL_KEYBOARD_KEY_STATE_RELEASED);
}

static void key(struct input *input, uint32_t evdev_code, bool down)
{
    struct wlr_input *in = downcast(input);
    in->text_in_force = false;
    send_key(in, evdev_code, down);
    xkb_state_update_key(in->state, evdev_code + XKB_OFFSET, down ? XKB_KEY_DOWN : XKB_KEY_UP);
    update_mods(in);
}

/* --- text ------------------------------------------------------------------------------ */

struct search {
    uint32_t code_point;
    xkb_layout_index_t group;
    uint32_t evdev_code; /* found; 0: not yet */
    xkb_mod_mask_t mods;
    xkb_mod_mask_t lock;
};

static bool is_keypad(xkb_keysym_t sym)
{
    return sym >= XKB_KEY_KP_Space && sym <= XKB_KEY_KP_Equal;
}

/* Whether this level can be reached without Caps Lock; how is left in search->mods. */
static bool level_mods(struct xkb_keymap *keymap, xkb_keycode_t code, xkb_level_index_t level,
                       struct search *search)
{
    xkb_mod_mask_t masks[8];
    size_t count = xkb_keymap_key_get_mods_for_level(keymap, code, search->group, level, masks,
                                                     LM_ARRAY_LEN(masks));
    for (size_t i = 0; i < count; i++)
        if (!(masks[i] & search->lock)) {
            search->mods = masks[i];
            return true;
        }
    return false;
}

static void search_key(struct xkb_keymap *keymap, xkb_keycode_t code, void *data)
{
    struct search *search = data;
    xkb_level_index_t levels = xkb_keymap_num_levels_for_key(keymap, code, search->group);
    for (xkb_level_index_t level = 0; level < LM_MIN(levels, (unsigned)MAX_LEVELS); level++) {
        const xkb_keysym_t *syms;
        if (search->evdev_code || code < XKB_OFFSET + 1)
            return;
        int count = xkb_keymap_key_get_syms_by_level(keymap, code, search->group, level, &syms);
        if (count == 1 && !is_keypad(syms[0]) &&
            xkb_keysym_to_utf32(syms[0]) == search->code_point &&
            level_mods(keymap, code, level, search))
            search->evdev_code = code - XKB_OFFSET;
    }
}

static uint32_t control_key(uint32_t code_point)
{
    switch (code_point) {
    case '\n':
    case '\r':
        return KEY_ENTER;
    case '\t':
        return KEY_TAB;
    case '\b':
        return KEY_BACKSPACE;
    case 0x1B:
        return KEY_ESC;
    case 0x7F:
        return KEY_DELETE;
    default:
        return 0;
    }
}

/* A key of the layout, under exactly these modifiers whatever is held or locked. */
static void tap(struct wlr_input *in, uint32_t evdev_code, xkb_mod_mask_t depressed)
{
    struct mods mods = {.depressed = depressed, .group = current_mods(in).group};
    in->text_in_force = false;
    if (memcmp(&mods, &in->sent, sizeof mods))
        send_mods(in, mods);
    send_key(in, evdev_code, true);
    send_key(in, evdev_code, false);
    update_mods(in);
}

static void text(struct input *input, uint32_t code_point)
{
    struct wlr_input *in = downcast(input);
    struct search search = {.code_point = code_point,
                            .group = current_mods(in).group,
                            .evdev_code = control_key(code_point)};
    bool control = code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
    if (control && !search.evdev_code)
        return;
    xkb_mod_index_t lock = xkb_keymap_mod_get_index(in->keymap, XKB_MOD_NAME_CAPS);
    search.lock = lock == XKB_MOD_INVALID ? 0 : 1u << lock;
    /* Programs reread the keymap at each change of keyboard: a run of text changes it once. */
    if (!control && !in->text_in_force)
        xkb_keymap_key_for_each(in->keymap, search_key, &search);
    if (search.evdev_code && !input_key_is_held(input, search.evdev_code)) {
        tap(in, search.evdev_code, control ? 0 : search.mods);
        return;
    }
    if (control || text_keyboard_type(&in->text, code_point, now_ms()) < 0)
        return;
    in->text_in_force = true;
    /* Modifiers that are held must hold for what comes next, a click perhaps. */
    if (in->sent.depressed || in->sent.latched || in->sent.locked) {
        send_mods(in, in->sent);
        in->text_in_force = false;
    }
}

/* --- pointer --------------------------------------------------------------------------- */

static void move(struct input *input, int32_t dx, int32_t dy)
{
    struct wlr_input *in = downcast(input);
    zwlr_virtual_pointer_v1_motion(in->pointer, now_ms(), wl_fixed_from_int(dx),
                                   wl_fixed_from_int(dy));
    zwlr_virtual_pointer_v1_frame(in->pointer);
}

static void move_to(struct input *input, float x, float y)
{
    struct wlr_input *in = downcast(input);
    uint32_t px = (uint32_t)lrint((double)x * (input->width - 1));
    uint32_t py = (uint32_t)lrint((double)y * (input->height - 1));
    zwlr_virtual_pointer_v1_motion_absolute(in->pointer, now_ms(), px, py, input->width,
                                            input->height);
    zwlr_virtual_pointer_v1_frame(in->pointer);
}

static void button(struct input *input, uint32_t evdev_code, bool down)
{
    struct wlr_input *in = downcast(input);
    zwlr_virtual_pointer_v1_button(in->pointer, now_ms(), evdev_code,
                                   down ? WL_POINTER_BUTTON_STATE_PRESSED
                                        : WL_POINTER_BUTTON_STATE_RELEASED);
    zwlr_virtual_pointer_v1_frame(in->pointer);
}

static void scroll(struct input *input, enum input_axis axis, int32_t amount_120)
{
    struct wlr_input *in = downcast(input);
    bool vertical = axis == INPUT_AXIS_VERTICAL;
    /* Wayland's vertical axis points down. */
    int32_t amount = vertical ? -amount_120 : amount_120;
    uint32_t wl_axis =
        vertical ? WL_POINTER_AXIS_VERTICAL_SCROLL : WL_POINTER_AXIS_HORIZONTAL_SCROLL;
    bool notches = amount % 120 == 0;
    wl_fixed_t value = amount * AXIS_FIXED_PER_120TH;
    if (notches)
        zwlr_virtual_pointer_v1_axis_discrete(in->pointer, now_ms(), wl_axis, value, amount / 120);
    else
        zwlr_virtual_pointer_v1_axis(in->pointer, now_ms(), wl_axis, value);
    /* After the axis: wlroots 0.15 files the source under the axis told last. */
    zwlr_virtual_pointer_v1_axis_source(in->pointer, notches ? WL_POINTER_AXIS_SOURCE_WHEEL
                                                             : WL_POINTER_AXIS_SOURCE_CONTINUOUS);
    zwlr_virtual_pointer_v1_frame(in->pointer);
}

/* --- life ------------------------------------------------------------------------------ */

static int flush(struct input *input)
{
    return wlconn_pump(&downcast(input)->conn);
}

static void close_input(struct input *input)
{
    struct wlr_input *in = downcast(input);
    text_keyboard_finish(&in->text);
    if (in->keyboard)
        zwp_virtual_keyboard_v1_destroy(in->keyboard);
    if (in->pointer)
        zwlr_virtual_pointer_v1_destroy(in->pointer);
    if (in->keyboard_manager)
        zwp_virtual_keyboard_manager_v1_destroy(in->keyboard_manager);
    if (in->pointer_manager)
        zwlr_virtual_pointer_manager_v1_destroy(in->pointer_manager);
    if (in->seat)
        wl_seat_destroy(in->seat);
    if (in->conn.display && wlconn_flush(&in->conn) < 0)
        lm_debug(in->log, AREA, "the compositor was gone before the input");
    wlconn_close(&in->conn);
    xkb_state_unref(in->state);
    xkb_keymap_unref(in->keymap);
    xkb_context_unref(in->xkb);
    free(in);
}

/* "de(nodeadkeys)" is layout and variant. */
static int make_keymap(struct wlr_input *in, const char *layout)
{
    char name[64], variant[64] = "";
    if (snprintf(name, sizeof name, "%s", layout ? layout : "us") >= (int)sizeof name)
        return LM_EINVAL;
    char *open = strchr(name, '(');
    if (open) {
        *open = 0;
        snprintf(variant, sizeof variant, "%.*s", (int)strcspn(open + 1, ")"), open + 1);
    }
    in->xkb = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
    if (!in->xkb)
        return LM_ENOMEM;
    /* libxkbcommon would print to stderr. */
    xkb_context_set_log_level(in->xkb, XKB_LOG_LEVEL_CRITICAL);
    const struct xkb_rule_names names = {
        .rules = "evdev", .model = "pc105", .layout = name, .variant = variant, .options = ""};
    in->keymap = xkb_keymap_new_from_names(in->xkb, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
    if (!in->keymap) {
        lm_warn(in->log, AREA, "no keyboard layout %s on this machine", layout ? layout : "us");
        return LM_ENOENT;
    }
    in->state = xkb_state_new(in->keymap);
    return in->state ? LM_OK : LM_ENOMEM;
}

static int make_devices(struct wlr_input *in)
{
    in->pointer = zwlr_virtual_pointer_manager_v1_create_virtual_pointer_with_output(
        in->pointer_manager, in->seat, in->conn.output->proxy);
    in->keyboard =
        zwp_virtual_keyboard_manager_v1_create_virtual_keyboard(in->keyboard_manager, in->seat);
    struct zwp_virtual_keyboard_v1 *text_proxy =
        zwp_virtual_keyboard_manager_v1_create_virtual_keyboard(in->keyboard_manager, in->seat);
    text_keyboard_init(&in->text, text_proxy);
    if (!in->pointer || !in->keyboard || !text_proxy)
        return LM_ENOMEM;
    int rc = text_keyboard_send_keymap(in->keyboard, in->keymap);
    if (rc < 0)
        return rc;
    send_mods(in, current_mods(in));
    return wlconn_flush(&in->conn);
}

static int open_conn(struct wlr_input *in, const struct input_params *params)
{
    const struct wlconn_want wants[] = {
        {&wl_seat_interface, 1, 1, (void **)&in->seat},
        {&zwlr_virtual_pointer_manager_v1_interface, 2, 2, (void **)&in->pointer_manager},
        {&zwp_virtual_keyboard_manager_v1_interface, 1, 1, (void **)&in->keyboard_manager},
    };
    const struct wlconn_params conn_params = {
        .socket = params->wayland_socket,
        .output_name = params->output_name,
        .wants = wants,
        .want_count = LM_ARRAY_LEN(wants),
        .timeout_ns = OPEN_TIMEOUT_NS,
        .log = params->log,
        .area = AREA,
    };
    return wlconn_open(&in->conn, &conn_params);
}

static int open_input(const struct input_params *params, struct input **out)
{
    struct wlr_input *in = calloc(1, sizeof *in);
    if (!in)
        return LM_ENOMEM;
    in->base = (struct input){.ops = &input_wlr_virtual, .fd = -1};
    in->log = params->log;
    int rc = make_keymap(in, params->keyboard_layout);
    if (rc == LM_OK)
        rc = open_conn(in, params);
    if (rc == LM_OK)
        rc = make_devices(in);
    if (rc < 0) {
        close_input(&in->base);
        return rc;
    }
    in->base.fd = wlconn_fd(&in->conn);
    *out = &in->base;
    return LM_OK;
}

const struct input_ops input_wlr_virtual = {
    .name = "wlr-virtual",
    .open = open_input,
    .key = key,
    .text = text,
    .move = move,
    .move_to = move_to,
    .button = button,
    .scroll = scroll,
    .close = close_input,
    .flush = flush,
};
