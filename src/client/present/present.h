/* Seam: pictures onto a screen. Main thread only. */
#ifndef LUMEN_CLIENT_PRESENT_PRESENT_H
#define LUMEN_CLIENT_PRESENT_PRESENT_H

#include "client/decode/decode.h"

struct present_params {
    const char *backend; /* "sdl", "null"; NULL: the first that works */
    const char *title;
    uint32_t width, height; /* of the pictures, and of the window unless the screen is smaller */
    bool full_screen, vsync;
};

/* Where the picture is inside the window, in the coordinates of its mouse events. */
struct present_view {
    int32_t x, y, width, height;
};

struct present;

struct present_ops {
    const char *name;
    int (*open)(const struct present_params *params, struct present **out);
    int (*show)(struct present *p, const struct decode_picture *picture, const char *overlay);
    void (*view)(struct present *p, struct present_view *out);
    void (*full_screen)(struct present *p, bool on);
    void (*capture)(struct present *p, bool on);
    void (*close)(struct present *p);
};

struct present {
    const struct present_ops *ops;
};

extern const struct present_ops present_sdl, present_null;

/* LM_EDEVICE: no display; LM_EUNSUPPORTED: no such backend in this build. */
int present_open(const struct present_params *params, struct present **out) LM_MUST_USE;
void present_close(struct present *p);

/* Uploads and shows; `picture` NULL: the one before again. `overlay` is text of up to 16 lines
 * drawn over it, NULL: none. Both are borrowed for the call. LM_EDEVICE: the display went away. */
int present_show(struct present *p, const struct decode_picture *picture,
                 const char *overlay) LM_MUST_USE;

/* The picture keeps its shape: bars fill the rest of the window. */
void present_view(struct present *p, struct present_view *out);

void present_full_screen(struct present *p, bool on);

/* Mouse and keyboard belong to the window, the pointer is hidden and reports motion only. */
void present_capture(struct present *p, bool on);

#endif
