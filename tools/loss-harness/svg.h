/* The results as a picture: lost frames against lost datagrams, a line per code and layout, a panel
 * per parity (from left to right) and per frame size, burst length and so on (downwards). */
#ifndef LOSS_HARNESS_SVG_H
#define LOSS_HARNESS_SVG_H

#include "options.h"
#include "sweep.h"

#include <stdio.h>

/* Errors are left on the stream. */
void svg_write(const struct sweep *sweep, const struct options *options, FILE *out);

#endif
