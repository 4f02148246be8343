/* Wakes one sleeping thread from any other: an eventfd that can sit in poll() beside sockets.
 * Signals coalesce; a signal before the wait is not lost. */
#ifndef LUMEN_CORE_BASE_WAKE_H
#define LUMEN_CORE_BASE_WAKE_H

#include "core/base/err.h"

#include <stdint.h>

struct lm_wake {
    int fd; /* readable when signalled; -1 when not open */
};

/* LM_EIO when the system has no descriptor left; then fd is -1. */
int lm_wake_init(struct lm_wake *wake) LM_MUST_USE;
void lm_wake_finish(struct lm_wake *wake);

/* Any thread. Never blocks, never allocates. */
void lm_wake_signal(struct lm_wake *wake);

/* The owner, after poll(): forgets the signals so far. */
void lm_wake_clear(struct lm_wake *wake);

#endif
