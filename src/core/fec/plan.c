#include "core/fec/plan.h"

#include "core/base/check.h"

_Static_assert(LM_PLAN_MAX_DATA + (LM_PLAN_MAX_DATA + 99) / 100 == LM_PLAN_MAX_SHARDS,
               "one percent of the largest block fills it");

unsigned lm_plan_parity(unsigned k, unsigned percent)
{
    return (k * percent + 99) / 100;
}

unsigned lm_plan_max_data(unsigned percent)
{
    return LM_PLAN_MAX_SHARDS * 100 / (100 + percent);
}

int lm_plan_block(struct lm_plan_block *out, unsigned k, const struct lm_plan_params *params)
{
    unsigned percent = params->percent;
    if (k == 0 || percent > LM_PLAN_MAX_PERCENT)
        return LM_EINVAL;
    if (k > (percent ? LM_PLAN_MAX_DATA : LM_PLAN_MAX_BARE_SHARDS))
        return LM_ELIMIT;
    if (percent) {
        if (lm_plan_parity(k, percent) < params->min_parity)
            percent = LM_MIN(100 * params->min_parity / k, LM_PLAN_MAX_PERCENT);
        /* The largest percentage whose rounded-up parity still fits. */
        percent = LM_MIN(percent, (LM_PLAN_MAX_SHARDS - k) * 100 / k);
    }
    *out = (struct lm_plan_block){k, lm_plan_parity(k, percent), percent};
    LM_DCHECK(out->m == 0 || out->k + out->m <= LM_PLAN_MAX_SHARDS);
    return 0;
}

int lm_plan_frame(struct lm_plan *out, unsigned total, const struct lm_plan_params *params)
{
    struct lm_plan_params used = *params;
    struct lm_plan plan = {0};
    if (total == 0 || used.percent > LM_PLAN_MAX_PERCENT)
        return LM_EINVAL;
    if (total > LM_PLAN_MAX_BLOCKS * LM_PLAN_MAX_BARE_SHARDS)
        return LM_ELIMIT;
    unsigned most = lm_plan_max_data(used.percent);
    plan.count = (total + most - 1) / most;
    if (plan.count > LM_PLAN_MAX_BLOCKS) {
        plan.bare = used.percent != 0;
        used.percent = 0;
        plan.count = LM_PLAN_MAX_BLOCKS;
    }
    unsigned each = (total + plan.count - 1) / plan.count;
    for (unsigned i = 0; i < plan.count; i++) {
        int err = lm_plan_block(&plan.blocks[i], LM_MIN(each, total - i * each), &used);
        if (err)
            return err;
    }
    *out = plan;
    return 0;
}

int lm_plan_slices(struct lm_plan *out, const unsigned *data_shards, unsigned count,
                   const struct lm_plan_params *params)
{
    struct lm_plan plan = {.count = count};
    if (count == 0 || count > LM_PLAN_MAX_BLOCKS)
        return LM_EINVAL;
    for (unsigned i = 0; i < count; i++) {
        int err = lm_plan_block(&plan.blocks[i], data_shards[i], params);
        if (err)
            return err;
    }
    *out = plan;
    return 0;
}
