/* Frames that will never be delivered: ask the host for recovery. */
#ifndef LUMEN_CORE_RECV_LOSS_H
#define LUMEN_CORE_RECV_LOSS_H

#include "core/base/err.h"

#include <stdbool.h>
#include <stdint.h>

enum { LM_LOSSES = 16 };

struct lm_loss {
    uint32_t first, last; /* inclusive */
};

/* Losses in the order in which they were found. Embedded; zeroed is empty. */
struct lm_losses {
    struct lm_loss at[LM_LOSSES];
    uint32_t put, get;
};

/* Merges with the newest when it is the neighbour, or when there is no room. False: that one is no
 * neighbour, so what is told from now on is not exact. */
bool lm_losses_add(struct lm_losses *l, uint32_t first, uint32_t last) LM_MUST_USE;

/* True: *out was the oldest. */
bool lm_losses_pop(struct lm_losses *l, struct lm_loss *out) LM_MUST_USE;

#endif
