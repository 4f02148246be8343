#include "core/send/l1_layout.h"

#include "core/base/check.h"

uint32_t lm_l1_parity(uint32_t data_shards, uint32_t percent)
{
    LM_DCHECK(percent <= LM_L1_MAX_PERCENT);
    return (uint32_t)(((uint64_t)data_shards * percent + 99) / 100);
}

uint32_t lm_l1_max_data(enum lm_l1_code code, uint32_t percent)
{
    uint32_t fits = 0, fails = LM_L1_MAX_BLOCK_SHARDS + 1;
    while (fails - fits > 1) {
        uint32_t k = fits + (fails - fits) / 2;
        if (lm_l1_code_covers((uint8_t)code, k, lm_l1_parity(k, percent)))
            fits = k;
        else
            fails = k;
    }
    return fits;
}

void lm_l1_layout_make(struct lm_l1_layout *out, const struct lm_l1_split *split)
{
    LM_CHECK(split->data >= 1 && split->max_data >= 1);
    uint32_t blocks = (split->data - 1) / split->max_data + 1;
    uint32_t k = split->data / blocks, large = split->data % blocks;
    *out = (struct lm_l1_layout){
        .data = split->data,
        .blocks = blocks,
        .large = large,
        .large_k = k + 1,
        .large_m = lm_l1_parity(k + 1, split->percent),
        .small_k = k,
        .small_m = lm_l1_parity(k, split->percent),
        .contiguous = split->contiguous,
    };
    out->parity = large * out->large_m + (blocks - large) * out->small_m;
}

struct lm_l1_block lm_l1_layout_block(const struct lm_l1_layout *l, uint32_t block)
{
    LM_DCHECK(block < l->blocks);
    if (block < l->large)
        return (struct lm_l1_block){l->large_k, l->large_m, block * l->large_k};
    return (struct lm_l1_block){l->small_k, l->small_m, block * l->small_k + l->large};
}

uint32_t lm_l1_layout_place(const struct lm_l1_layout *l, uint32_t block, uint32_t shard)
{
    struct lm_l1_block b = lm_l1_layout_block(l, block);
    LM_DCHECK(shard < b.k + b.m);
    if (l->contiguous) {
        uint32_t large = LM_MIN(block, l->large);
        return b.from + large * l->large_m + (block - large) * l->small_m + shard;
    }
    /* Row by row: only the last row of data, and of parity, may be short, and it is the large
     * blocks, which come first, that reach into it. */
    if (shard < b.k)
        return shard * l->blocks + block;
    return l->data + (shard - b.k) * l->blocks + block;
}

uint32_t lm_l1_layout_block_at(const struct lm_l1_layout *l, uint32_t place)
{
    LM_DCHECK(place < l->data + l->parity);
    if (!l->contiguous)
        return (place < l->data ? place : place - l->data) % l->blocks;
    uint32_t large = l->large_k + l->large_m, small = l->small_k + l->small_m;
    if (place < l->large * large)
        return place / large;
    return l->large + (place - l->large * large) / small;
}
