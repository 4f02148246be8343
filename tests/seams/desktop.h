/* A bare compositor for the seam tests of capture and input: sway without a screen, in a directory
 * of its own, and programs on it. */
#ifndef LUMEN_TESTS_SEAMS_DESKTOP_H
#define LUMEN_TESTS_SEAMS_DESKTOP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define DESKTOP_OUTPUT "HEADLESS-1"

struct desktop {
    char dir[64];
    char socket[108]; /* absolute path */
    pid_t compositor;
    pid_t program; /* 0: none */
    FILE *from_program;
};

/* The mode as sway writes it, "1280x720@60Hz". False, with the reason on stderr, when there is no
 * sway here or it does not come up: the test then skips. */
bool desktop_start(struct desktop *desktop, const char *mode);

bool desktop_set_mode(struct desktop *desktop, const char *mode);

/* Runs one program, its stdout to be read through from_program. */
bool desktop_run(struct desktop *desktop, const char *const *argv);
void desktop_end_program(struct desktop *desktop);

/* As a crash would. */
void desktop_kill(struct desktop *desktop);
void desktop_stop(struct desktop *desktop);

#endif
