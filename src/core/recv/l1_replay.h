/* The last 4096 sequence numbers of a direction: which of them were there. What is not in the
 * window any more counts as used. Embedded in its owner; zeroed is empty. */
#ifndef LUMEN_CORE_RECV_L1_REPLAY_H
#define LUMEN_CORE_RECV_L1_REPLAY_H

#include "core/wire/wire.h"

#include <stdbool.h>
#include <stdint.h>

enum {
    /* One word more than the window, whose ends may lie within words; a power of two. */
    LM_L1_REPLAY_WORDS = 2 * LM_L1_REPLAY_WINDOW / 64,
};

struct lm_l1_replay {
    bool any;
    uint64_t highest; /* of those marked */
    uint64_t seen[LM_L1_REPLAY_WORDS];
};

enum lm_l1_replay_result {
    LM_L1_REPLAY_FRESH = 1,
    LM_L1_REPLAY_SEEN,
    LM_L1_REPLAY_OLD, /* before the window: too old to tell */
};

/* Changes nothing: mark the number once its datagram is known to be genuine. */
enum lm_l1_replay_result lm_l1_replay_check(const struct lm_l1_replay *w, uint64_t sequence);

/* `sequence` must be fresh. */
void lm_l1_replay_mark(struct lm_l1_replay *w, uint64_t sequence);

#endif
