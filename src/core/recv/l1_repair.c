#include "core/recv/l1_repair.h"

#include "core/base/check.h"

#include <stdlib.h>
#include <string.h>

enum { CODES8 = 16 };

static uint32_t share(uint32_t data_shards, uint32_t percent)
{
    return (uint32_t)(((uint64_t)data_shards * percent + 99) / 100);
}

static uint32_t power_of_two(uint32_t at_least)
{
    uint32_t p = 1;
    while (p < at_least)
        p *= 2;
    return p;
}

/* The largest block with the whole share of parity that the code has points for. */
static struct lm_code16_limits limits16(uint32_t max_data, uint32_t percent, uint32_t shard_bytes)
{
    uint32_t fits = 1, fails = LM_MIN(max_data, (uint32_t)LM_L1_MAX_BLOCK_SHARDS) + 1;
    while (fails - fits > 1) {
        uint32_t k = fits + (fails - fits) / 2;
        if (power_of_two(share(k, percent)) + k <= LM_CODE16_MAX_POINTS)
            fits = k;
        else
            fails = k;
    }
    return (struct lm_code16_limits){
        .data = fits, .parity = share(fits, percent), .shard_bytes = shard_bytes};
}

int lm_l1_repair_init(struct lm_l1_repair *r, uint32_t max_data, uint32_t percent,
                      uint32_t shard_bytes)
{
    *r = (struct lm_l1_repair){.percent = percent, .shard_bytes = shard_bytes};
    if (percent == 0)
        return 0;
    struct lm_code16_limits limits = limits16(max_data, percent, shard_bytes);
    size_t room = LM_MAX(limits.data + limits.parity, (unsigned)LM_CODE8_MAX_SHARDS);
    r->shards = calloc(room, sizeof *r->shards);
    r->present = malloc(room);
    if (!r->shards || !r->present)
        return LM_ENOMEM;
    int rc = lm_code8_cache_create(&r->codes8, CODES8);
    return rc < 0 ? rc : lm_code16_create(&r->code16, &limits);
}

void lm_l1_repair_finish(struct lm_l1_repair *r)
{
    lm_code16_destroy(r->code16);
    lm_code8_cache_destroy(r->codes8);
    free(r->present);
    free(r->shards);
    *r = (struct lm_l1_repair){0};
}

uint32_t lm_l1_repair_kept(const struct lm_l1_repair *r, const struct lm_l1_video *v)
{
    uint32_t kept = LM_MIN(share(v->data_shards, r->percent), (uint32_t)v->parity_shards);
    if (kept == 0)
        return 0;
    if (v->code == LM_L1_CODE_GF16 &&
        lm_code16_check(r->code16, v->data_shards, v->parity_shards, r->shard_bytes) < 0)
        return 0;
    return kept;
}

uint32_t lm_l1_repair_block(struct lm_l1_repair *r, const struct lm_l1_repair_block *b)
{
    uint32_t k = b->data_shards, m = b->parity_shards;
    LM_CHECK(b->kept >= 1 && b->kept <= m);
    for (uint32_t i = 0; i < k; i++)
        r->shards[i] = b->data + (size_t)i * r->shard_bytes;
    for (uint32_t j = 0; j < m; j++)
        r->shards[k + j] = j < b->kept ? b->parity + (size_t)j * r->shard_bytes : NULL;
    memcpy(r->present, b->present, k + b->kept);
    memset(r->present + k + b->kept, 0, m - b->kept);
    int rc;
    if (b->code == LM_L1_CODE_GF16) {
        rc = lm_code16_decode(r->code16, k, m, r->shards, r->present, r->shard_bytes);
    } else {
        const struct lm_code8 *code = lm_code8_cache_get(r->codes8, k, m);
        LM_CHECK(code);
        rc = lm_code8_decode(code, r->shards, r->present, r->shard_bytes);
    }
    LM_CHECK(rc > 0);
    return (uint32_t)rc;
}
