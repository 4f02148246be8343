#include "core/recv/loss.h"

bool lm_losses_add(struct lm_losses *l, uint32_t first, uint32_t last)
{
    struct lm_loss *newest = &l->at[(l->put - 1) % LM_LOSSES];
    uint32_t count = l->put - l->get;
    bool is_neighbour = count && newest->last + 1 == first;
    if (!is_neighbour && count < LM_LOSSES) {
        l->at[l->put++ % LM_LOSSES] = (struct lm_loss){first, last};
        return true;
    }
    if (last - newest->first <= INT32_MAX) /* else the numbers began anew in between */
        newest->last = last;
    return is_neighbour;
}

bool lm_losses_pop(struct lm_losses *l, struct lm_loss *out)
{
    if (l->put == l->get)
        return false;
    *out = l->at[l->get++ % LM_LOSSES];
    return true;
}
