#include "events.h"

#include "core/base/err.h"
#include "core/transport/clock.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

static void __attribute__((format(printf, 2, 3)))
put(struct events *events, const char *format, ...)
{
    va_list args;
    fprintf(events->file, "%" PRIu64 " ", lm_clock_now_ns());
    va_start(args, format);
    vfprintf(events->file, format, args);
    va_end(args);
    fputc('\n', events->file);
    fflush(events->file);
}

static void keyboard_keymap(void *data, struct wl_keyboard *keyboard, uint32_t format, int32_t fd,
                            uint32_t size_bytes)
{
    struct events *events = data;
    char *text = mmap(NULL, size_bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (text == MAP_FAILED)
        return;
    struct xkb_keymap *keymap = xkb_keymap_new_from_string(
        events->xkb, text, XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
    munmap(text, size_bytes);
    if (!keymap)
        return;
    xkb_state_unref(events->state);
    events->state = xkb_state_new(keymap);
    xkb_keymap_unref(keymap);
    put(events, "keymap");
}

static void keyboard_enter(void *data, struct wl_keyboard *keyboard, uint32_t serial,
                           struct wl_surface *surface, struct wl_array *keys)
{
    put(data, "focus keyboard in");
}

static void keyboard_leave(void *data, struct wl_keyboard *keyboard, uint32_t serial,
                           struct wl_surface *surface)
{
    put(data, "focus keyboard out");
}

static void keyboard_key(void *data, struct wl_keyboard *keyboard, uint32_t serial, uint32_t time,
                         uint32_t key, uint32_t state)
{
    struct events *events = data;
    char name[64] = "NoSymbol", text[16] = "";
    if (events->state) {
        xkb_keysym_get_name(xkb_state_key_get_one_sym(events->state, key + 8), name, sizeof name);
        xkb_state_key_get_utf8(events->state, key + 8, text, sizeof text);
    }
    bool visible = (unsigned char)text[0] > ' ' && text[0] != 0x7F;
    put(events, "key %u %s %s%s%s", key, state ? "down" : "up", name, visible ? " " : "",
        visible ? text : "");
}

static void keyboard_modifiers(void *data, struct wl_keyboard *keyboard, uint32_t serial,
                               uint32_t depressed, uint32_t latched, uint32_t locked,
                               uint32_t group)
{
    struct events *events = data;
    if (events->state)
        xkb_state_update_mask(events->state, depressed, latched, locked, 0, 0, group);
    put(events, "mods %x %x %x %u", depressed, latched, locked, group);
}

static void keyboard_repeat_info(void *data, struct wl_keyboard *keyboard, int32_t rate,
                                 int32_t delay)
{
}

static const struct wl_keyboard_listener keyboard_listener = {
    .keymap = keyboard_keymap,
    .enter = keyboard_enter,
    .leave = keyboard_leave,
    .key = keyboard_key,
    .modifiers = keyboard_modifiers,
    .repeat_info = keyboard_repeat_info,
};

static void pointer_motion(void *data, struct wl_pointer *pointer, uint32_t time, wl_fixed_t x,
                           wl_fixed_t y)
{
    struct events *events = data;
    events->x = wl_fixed_to_double(x);
    events->y = wl_fixed_to_double(y);
    put(events, "motion %.2f %.2f", events->x, events->y);
}

static void pointer_enter(void *data, struct wl_pointer *pointer, uint32_t serial,
                          struct wl_surface *surface, wl_fixed_t x, wl_fixed_t y)
{
    put(data, "focus pointer in");
    pointer_motion(data, pointer, 0, x, y);
}

static void pointer_leave(void *data, struct wl_pointer *pointer, uint32_t serial,
                          struct wl_surface *surface)
{
    put(data, "focus pointer out");
}

static void pointer_button(void *data, struct wl_pointer *pointer, uint32_t serial, uint32_t time,
                           uint32_t button, uint32_t state)
{
    struct events *events = data;
    put(events, "button %u %s %.2f %.2f", button, state ? "down" : "up", events->x, events->y);
}

static void pointer_axis(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis,
                         wl_fixed_t value)
{
    struct events *events = data;
    if (axis > 1)
        return;
    events->axes[axis].set = true;
    events->axes[axis].value += wl_fixed_to_double(value);
}

static void pointer_axis_source(void *data, struct wl_pointer *pointer, uint32_t source)
{
    struct events *events = data;
    events->axis_source = (int)source;
}

static void pointer_axis_stop(void *data, struct wl_pointer *pointer, uint32_t time, uint32_t axis)
{
}

static void pointer_axis_discrete(void *data, struct wl_pointer *pointer, uint32_t axis,
                                  int32_t discrete)
{
    struct events *events = data;
    if (axis <= 1)
        events->axes[axis].steps += discrete;
}

static void pointer_frame(void *data, struct wl_pointer *pointer)
{
    struct events *events = data;
    for (int i = 0; i < 2; i++) {
        const struct events_axis *axis = &events->axes[i];
        char source[12] = "-";
        if (events->axis_source >= 0)
            snprintf(source, sizeof source, "%d", events->axis_source);
        if (axis->set)
            put(events, "axis %c %.3f %s %d", i ? 'h' : 'v', axis->value, source, axis->steps);
    }
    memset(events->axes, 0, sizeof events->axes);
    events->axis_source = -1;
}

static const struct wl_pointer_listener pointer_listener = {
    .enter = pointer_enter,
    .leave = pointer_leave,
    .motion = pointer_motion,
    .button = pointer_button,
    .axis = pointer_axis,
    .frame = pointer_frame,
    .axis_source = pointer_axis_source,
    .axis_stop = pointer_axis_stop,
    .axis_discrete = pointer_axis_discrete,
};

static void seat_capabilities(void *data, struct wl_seat *seat, uint32_t capabilities)
{
    struct events *events = data;
    bool keyboard = capabilities & WL_SEAT_CAPABILITY_KEYBOARD;
    bool pointer = capabilities & WL_SEAT_CAPABILITY_POINTER;
    if (keyboard && !events->keyboard) {
        events->keyboard = wl_seat_get_keyboard(seat);
        wl_keyboard_add_listener(events->keyboard, &keyboard_listener, events);
    } else if (!keyboard && events->keyboard) {
        wl_keyboard_release(events->keyboard);
        events->keyboard = NULL;
    }
    if (pointer && !events->pointer) {
        events->pointer = wl_seat_get_pointer(seat);
        wl_pointer_add_listener(events->pointer, &pointer_listener, events);
    } else if (!pointer && events->pointer) {
        wl_pointer_release(events->pointer);
        events->pointer = NULL;
    }
}

static void seat_name(void *data, struct wl_seat *seat, const char *name)
{
}

static const struct wl_seat_listener seat_listener = {
    .capabilities = seat_capabilities,
    .name = seat_name,
};

int events_init(struct events *events, struct wl_seat *seat, FILE *file)
{
    *events = (struct events){.file = file, .seat = seat, .axis_source = -1};
    if (!file || !seat)
        return LM_OK;
    events->xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
    if (!events->xkb)
        return LM_ENOMEM;
    wl_seat_add_listener(seat, &seat_listener, events);
    return LM_OK;
}

void events_finish(struct events *events)
{
    if (events->keyboard)
        wl_keyboard_release(events->keyboard);
    if (events->pointer)
        wl_pointer_release(events->pointer);
    xkb_state_unref(events->state);
    xkb_context_unref(events->xkb);
    memset(events, 0, sizeof *events);
}
