/* Writes the input that the window gets to a file, one event per line, flushed at once. Each line
 * begins with CLOCK_MONOTONIC in nanoseconds, then:
 *
 *   focus keyboard|pointer in|out
 *   keymap                               a new one is in force
 *   key CODE down|up KEYSYM [TEXT]       evdev code; TEXT what the key types, if it can be seen
 *   mods DEPRESSED LATCHED LOCKED GROUP  hexadecimal
 *   motion X Y                           surface pixels, two decimals
 *   button CODE down|up X Y
 *   axis v|h VALUE SOURCE STEPS          SOURCE of wl_pointer.axis_source or -; STEPS of a wheel */
#ifndef LUMEN_TOOLS_PAINTED_CLOCK_EVENTS_H
#define LUMEN_TOOLS_PAINTED_CLOCK_EVENTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct wl_keyboard;
struct wl_pointer;
struct wl_seat;
struct xkb_context;
struct xkb_state;

struct events_axis {
    bool set;
    double value;
    int32_t steps;
};

struct events {
    FILE *file; /* borrowed */
    struct xkb_context *xkb;
    struct xkb_state *state;
    struct wl_seat *seat; /* borrowed */
    struct wl_keyboard *keyboard;
    struct wl_pointer *pointer;
    double x, y;
    struct events_axis axes[2];
    int axis_source; /* -1: not told */
};

/* `file` NULL: nothing is logged and nothing asked of the seat. `seat` of version 5. */
int events_init(struct events *events, struct wl_seat *seat, FILE *file);
void events_finish(struct events *events);

#endif
