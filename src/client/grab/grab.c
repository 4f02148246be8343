#include "client/grab/grab.h"

#include "client/grab/keys.h"
#include "core/base/check.h"

#include <math.h>
#include <string.h>

enum { CHORD = LM_GS_MOD_CTRL | LM_GS_MOD_ALT | LM_GS_MOD_SHIFT };

static bool has_bit(const uint8_t bits[32], uint8_t vk)
{
    return bits[vk / 8] >> vk % 8 & 1;
}

static void set_bit(uint8_t bits[32], uint8_t vk, bool on)
{
    uint8_t mask = (uint8_t)(1 << vk % 8);
    bits[vk / 8] = on ? bits[vk / 8] | mask : bits[vk / 8] & (uint8_t)~mask;
}

void grab_init(struct grab *g, uint32_t stream_width, uint32_t stream_height,
               void (*send)(void *user, const struct lm_gs_input_event *event), void *user)
{
    *g = (struct grab){
        .send = send,
        .user = user,
        .stream_width = stream_width,
        .stream_height = stream_height,
        .view = {0, 0, (int32_t)stream_width, (int32_t)stream_height},
    };
}

static uint8_t modifiers(const struct grab *g)
{
    uint8_t mask = 0;
    for (int vk = 0; vk < 256; vk++)
        if (has_bit(g->held, (uint8_t)vk))
            mask |= keys_modifier_of_vk((uint8_t)vk);
    return mask;
}

static void send_key(struct grab *g, uint8_t vk, bool down)
{
    set_bit(g->held, vk, down);
    struct lm_gs_input_event event = {.kind = LM_GS_INPUT_KEY,
                                      .key = {.down = down, .vk = vk, .modifiers = modifiers(g)}};
    g->send(g->user, &event);
}

static enum grab_command chord_of(uint8_t vk)
{
    switch (vk) {
    case 'Q':
        return GRAB_LEAVE;
    case 'F':
        return GRAB_FULL_SCREEN;
    case 'S':
        return GRAB_OVERLAY;
    case 'Z':
        return GRAB_TOGGLE;
    case 'V':
        return GRAB_PASTE;
    default:
        return GRAB_NONE;
    }
}

enum grab_command grab_key(struct grab *g, uint8_t vk, bool down)
{
    if (vk == 0)
        return GRAB_NONE;
    if (down && (modifiers(g) & CHORD) == CHORD && chord_of(vk) != GRAB_NONE) {
        grab_release_all(g);
        set_bit(g->swallowed, vk, true);
        return chord_of(vk);
    }
    if (!down && has_bit(g->swallowed, vk)) {
        set_bit(g->swallowed, vk, false);
        return GRAB_NONE;
    }
    if (has_bit(g->held, vk) == down)
        return GRAB_NONE; /* a release after release_all, or a repeat */
    grab_flush(g);
    send_key(g, vk, down);
    return GRAB_NONE;
}

void grab_place(struct grab *g, uint32_t x, uint32_t y)
{
    g->place_x = (int16_t)LM_MIN(x, g->stream_width - 1);
    g->place_y = (int16_t)LM_MIN(y, g->stream_height - 1);
    g->place_waits = true;
}

void grab_move(struct grab *g, int32_t dx, int32_t dy)
{
    g->move_x += dx;
    g->move_y += dy;
}

static uint32_t scale(int32_t at, int32_t start, int32_t length, uint32_t stream_length)
{
    int64_t inside = LM_CLAMP((int64_t)at - start, 0, LM_MAX(length, 1) - 1);
    return (uint32_t)(inside * stream_length / LM_MAX(length, 1));
}

void grab_motion(struct grab *g, int32_t x, int32_t y, int32_t dx, int32_t dy)
{
    if (g->relative)
        grab_move(g, dx, dy);
    else
        grab_place(g, scale(x, g->view.x, g->view.width, g->stream_width),
                   scale(y, g->view.y, g->view.height, g->stream_height));
}

void grab_flush(struct grab *g)
{
    if (g->place_waits) {
        struct lm_gs_input_event event = {.kind = LM_GS_INPUT_MOUSE_PLACE,
                                          .place = {g->place_x, g->place_y,
                                                    (int16_t)(g->stream_width - 1),
                                                    (int16_t)(g->stream_height - 1)}};
        g->place_waits = false;
        g->send(g->user, &event);
    }
    while (g->move_x || g->move_y) {
        struct lm_gs_input_event event = {
            .kind = LM_GS_INPUT_MOUSE_MOVE,
            .move = {(int16_t)LM_CLAMP(g->move_x, INT16_MIN, INT16_MAX),
                     (int16_t)LM_CLAMP(g->move_y, INT16_MIN, INT16_MAX)}};
        g->move_x -= event.move.dx;
        g->move_y -= event.move.dy;
        g->send(g->user, &event);
    }
}

static void send_button(struct grab *g, uint8_t button, bool down)
{
    uint8_t mask = (uint8_t)(1 << button);
    g->buttons = down ? g->buttons | mask : g->buttons & (uint8_t)~mask;
    struct lm_gs_input_event event = {.kind = LM_GS_INPUT_MOUSE_BUTTON, .button = {down, button}};
    g->send(g->user, &event);
}

void grab_button(struct grab *g, uint8_t button, bool down)
{
    if (button < LM_GS_BUTTON_LEFT || button > LM_GS_BUTTON_X2 ||
        (g->buttons >> button & 1) == (down ? 1 : 0))
        return;
    grab_flush(g);
    send_button(g, button, down);
}

static void send_scroll(struct grab *g, enum lm_gs_input_kind kind, float *left)
{
    float whole = truncf(*left);
    *left -= whole;
    int32_t amount = (int32_t)LM_CLAMP(whole, (float)INT16_MIN, (float)INT16_MAX);
    if (amount == 0)
        return;
    struct lm_gs_input_event event = {.kind = kind, .scroll = {(int16_t)amount}};
    g->send(g->user, &event);
}

void grab_wheel(struct grab *g, float notches_x, float notches_y)
{
    grab_flush(g);
    g->scroll_x += notches_x * 120;
    g->scroll_y += notches_y * 120;
    send_scroll(g, LM_GS_INPUT_HSCROLL, &g->scroll_x);
    send_scroll(g, LM_GS_INPUT_SCROLL, &g->scroll_y);
}

/* Bytes of the code point at `text`, 0 when it is malformed. */
static int code_point_bytes(const char *text)
{
    uint8_t first = (uint8_t)text[0];
    int count = first < 0x80                    ? 1
                : first >= 0xC2 && first < 0xE0 ? 2
                : first >= 0xE0 && first < 0xF0 ? 3
                : first >= 0xF0 && first < 0xF5 ? 4
                                                : 0;
    for (int i = 1; i < count; i++)
        if (((uint8_t)text[i] & 0xC0) != 0x80)
            return 0;
    return count;
}

void grab_text(struct grab *g, const char *utf8)
{
    grab_flush(g);
    while (*utf8) {
        int count = code_point_bytes(utf8);
        if (count == 0) {
            utf8++;
            continue;
        }
        struct lm_gs_input_event event = {.kind = LM_GS_INPUT_TEXT};
        event.text.size_bytes = (uint8_t)count;
        memcpy(event.text.utf8, utf8, (size_t)count);
        g->send(g->user, &event);
        utf8 += count;
    }
}

void grab_release_all(struct grab *g)
{
    grab_flush(g);
    for (int vk = 0; vk < 256; vk++)
        if (has_bit(g->held, (uint8_t)vk))
            send_key(g, (uint8_t)vk, false);
    for (uint8_t button = LM_GS_BUTTON_LEFT; button <= LM_GS_BUTTON_X2; button++)
        if (g->buttons >> button & 1)
            send_button(g, button, false);
    g->scroll_x = g->scroll_y = 0;
}
