/* Local keyboard and mouse into GameStream input events: keeps what is held, sums up motion,
 * recognises the chords that are ours. It does not know where the events come from (the window
 * feeds it SDL's, a script its own lines) nor how they travel. One thread. */
#ifndef LUMEN_CLIENT_GRAB_GRAB_H
#define LUMEN_CLIENT_GRAB_GRAB_H

#include "core/wire/gs_input.h"

enum grab_command {
    GRAB_NONE = 1,
    GRAB_LEAVE,       /* Ctrl+Alt+Shift+Q */
    GRAB_FULL_SCREEN, /* ...F */
    GRAB_OVERLAY,     /* ...S */
    GRAB_TOGGLE,      /* ...Z: catch or free mouse and keyboard */
    GRAB_PASTE,       /* ...V: type the clipboard as text */
};

/* Where the picture is in the window, in the window's coordinates. */
struct grab_view {
    int32_t x, y, width, height;
};

struct grab {
    void (*send)(void *user, const struct lm_gs_input_event *event);
    void *user;
    uint32_t stream_width, stream_height;
    struct grab_view view;
    bool relative; /* the mouse is caught: motion counts, not places */

    uint8_t held[32];      /* bit per virtual key */
    uint8_t swallowed[32]; /* bit per virtual key: went down in a chord, its release is ours */
    uint8_t buttons;       /* bit per LM_GS_BUTTON_* */
    int32_t move_x, move_y;
    bool place_waits;
    int16_t place_x, place_y; /* pixels of the stream */
    float scroll_x, scroll_y; /* parts of a unit not sent yet */
};

/* `send` is called on the thread of the calls below; the event is borrowed for the call. */
void grab_init(struct grab *g, uint32_t stream_width, uint32_t stream_height,
               void (*send)(void *user, const struct lm_gs_input_event *event), void *user);

/* A key went down or up (repeats left out). A chord is not sent: what is held is released first. */
enum grab_command grab_key(struct grab *g, uint8_t vk, bool down);

/* The mouse moved: by counts when `relative`, else to a place in the window. Kept until
 * grab_flush, or until an event that must come after it. */
void grab_motion(struct grab *g, int32_t x, int32_t y, int32_t dx, int32_t dy);

/* Pixels of the stream's picture, both within it. */
void grab_place(struct grab *g, uint32_t x, uint32_t y);
void grab_move(struct grab *g, int32_t dx, int32_t dy);

void grab_button(struct grab *g, uint8_t button, bool down);

/* In notches, + is right and up; parts below 1/120 are kept for later. */
void grab_wheel(struct grab *g, float notches_x, float notches_y);

/* UTF-8, one event per code point; what is malformed is left out. */
void grab_text(struct grab *g, const char *utf8);

/* Sends the motion so far. Call once per round of events. */
void grab_flush(struct grab *g);

/* Releases everything held: focus lost, stream over. */
void grab_release_all(struct grab *g);

#endif
