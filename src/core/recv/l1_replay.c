#include "core/recv/l1_replay.h"

#include "core/base/check.h"

#include <assert.h>
#include <string.h>

static_assert((LM_L1_REPLAY_WORDS & (LM_L1_REPLAY_WORDS - 1)) == 0, "words are found by a mask");
static_assert(LM_L1_REPLAY_WORDS * 64 >= LM_L1_REPLAY_WINDOW + 64, "the window fits");

static uint64_t *word_of(struct lm_l1_replay *w, uint64_t word)
{
    return &w->seen[word & (LM_L1_REPLAY_WORDS - 1)];
}

enum lm_l1_replay_result lm_l1_replay_check(const struct lm_l1_replay *w, uint64_t sequence)
{
    if (!w->any || sequence > w->highest)
        return LM_L1_REPLAY_FRESH;
    if (w->highest - sequence >= LM_L1_REPLAY_WINDOW)
        return LM_L1_REPLAY_OLD;
    uint64_t word = w->seen[sequence / 64 & (LM_L1_REPLAY_WORDS - 1)];
    return word >> (sequence & 63) & 1 ? LM_L1_REPLAY_SEEN : LM_L1_REPLAY_FRESH;
}

void lm_l1_replay_mark(struct lm_l1_replay *w, uint64_t sequence)
{
    LM_DCHECK(lm_l1_replay_check(w, sequence) == LM_L1_REPLAY_FRESH);
    if (!w->any || sequence > w->highest) {
        uint64_t words = w->any ? sequence / 64 - w->highest / 64 : LM_L1_REPLAY_WORDS;
        words = LM_MIN(words, (uint64_t)LM_L1_REPLAY_WORDS);
        for (uint64_t i = 0; i < words; i++)
            *word_of(w, sequence / 64 - i) = 0;
        w->any = true;
        w->highest = sequence;
    }
    *word_of(w, sequence / 64) |= UINT64_C(1) << (sequence & 63);
}
