/* A full-screen window of shared-memory buffers. */
#ifndef LUMEN_TOOLS_PAINTED_CLOCK_WINDOW_H
#define LUMEN_TOOLS_PAINTED_CLOCK_WINDOW_H

#include "core/base/err.h"
#include "events.h"
#include "paint.h"

#include <stdbool.h>
#include <stdint.h>

enum { WINDOW_BUFFERS = 3 };

struct window_buffer {
    struct wl_buffer *proxy;
    uint32_t *pixels;
    bool busy; /* the compositor's until released */
};

struct window {
    struct wl_display *display;
    struct wl_registry *registry;
    struct wl_compositor *compositor;
    struct wl_shm *shm;
    struct wl_seat *seat;
    struct xdg_wm_base *wm;
    struct wl_surface *surface;
    struct xdg_surface *xdg_surface;
    struct xdg_toplevel *toplevel;
    struct wl_callback *frame; /* asked for and not yet come; NULL: may paint */
    struct events events;
    struct paint paint;
    enum paint_motion motion;
    struct window_buffer buffers[WINDOW_BUFFERS];
    uint8_t *memory;
    size_t memory_bytes;
    uint32_t width, height;           /* of the buffers; 0: none yet */
    uint32_t next_width, next_height; /* told by the compositor */
    bool configured, closed;
    uint32_t counter; /* pictures painted */
};

/* Connects to WAYLAND_DISPLAY. LM_EDEVICE without a compositor that can show the window. */
int window_open(struct window *window, enum paint_motion motion, FILE *event_log) LM_MUST_USE;

/* Whether a picture would reach the screen now: configured, and a buffer is free. */
bool window_can_paint(const struct window *window);

/* Paints one picture and hands it over; asks for the next frame callback. */
int window_paint(struct window *window) LM_MUST_USE;

/* Waits for the compositor until deadline_ns at most. LM_ECLOSED when the window is closed. */
int window_wait(struct window *window, uint64_t deadline_ns) LM_MUST_USE;

void window_close(struct window *window);

#endif
