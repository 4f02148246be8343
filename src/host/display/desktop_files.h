/* The configuration files of a session's compositor and sound server, private to the session. */
#ifndef LUMEN_HOST_DISPLAY_DESKTOP_FILES_H
#define LUMEN_HOST_DISPLAY_DESKTOP_FILES_H

#include "core/base/err.h"
#include "host/display/display.h"

#include <stddef.h>

#define DESKTOP_OUTPUT     "HEADLESS-1"
#define DESKTOP_CLOCK_FILE "frame-clock" /* appears when the exact frame clock works */
#define DESKTOP_X11_FILE   "x11-display" /* ":0", once the compositor has chosen one */

/* `WxH@59.940Hz`, as sway wants a mode. */
void desktop_mode_text(const struct display_mode *mode, char *text, size_t size);

/* Writes all into `dir`. LM_EINVAL when a command of params holds a line end or is too long;
 * LM_EIO. */
int desktop_files_write(const char *dir, const struct display_params *params) LM_MUST_USE;

#endif
