#include "core/send/l1_coder.h"

#include "core/base/check.h"

#include <stdlib.h>

enum { CODES = 64 }; /* block shapes kept ready */

int lm_l1_coder_init(struct lm_l1_coder *c, const struct lm_l1_coder_limits *limits)
{
    *c = (struct lm_l1_coder){.code = limits->code, .shard_bytes = limits->shard_bytes};
    if (limits->code == LM_L1_CODE_NONE)
        return 0;
    c->parity = calloc(limits->parity, sizeof *c->parity);
    if (!c->parity)
        return LM_ENOMEM;
    if (limits->code == LM_L1_CODE_GF16) {
        struct lm_code16_limits limits16 = {limits->data, limits->parity, limits->shard_bytes};
        return lm_code16_create(&c->code16, &limits16);
    }
    int rc = lm_code8_cache_create(&c->codes8, CODES);
    if (rc == 0)
        rc = lm_code8_encoder_create(&c->encoder8, limits->parity, limits->shard_bytes);
    return rc;
}

void lm_l1_coder_finish(struct lm_l1_coder *c)
{
    lm_code8_encoder_destroy(c->encoder8);
    lm_code8_cache_destroy(c->codes8);
    lm_code16_destroy(c->code16);
    free(c->parity);
    *c = (struct lm_l1_coder){0};
}

void lm_l1_coder_begin_block(struct lm_l1_coder *c, uint32_t k, uint32_t m)
{
    c->m = m;
    if (!m)
        return;
    if (c->code == LM_L1_CODE_GF16) {
        LM_CHECK(lm_code16_begin(c->code16, k, m, c->shard_bytes) == 0);
        return;
    }
    const struct lm_code8 *code = lm_code8_cache_get(c->codes8, k, m);
    LM_CHECK(code && lm_code8_encoder_begin(c->encoder8, code, c->shard_bytes) == 0);
}

void lm_l1_coder_add(struct lm_l1_coder *c, const uint8_t *shard)
{
    if (!c->m)
        return;
    if (c->code == LM_L1_CODE_GF16)
        LM_CHECK(lm_code16_add(c->code16, shard) == 0);
    else
        LM_CHECK(lm_code8_encoder_add(c->encoder8, shard) == 0);
}

void lm_l1_coder_end_block(struct lm_l1_coder *c)
{
    if (!c->m)
        return;
    if (c->code == LM_L1_CODE_GF16)
        LM_CHECK(lm_code16_finish(c->code16, c->parity) == 0);
    else
        LM_CHECK(lm_code8_encoder_finish(c->encoder8, c->parity) == 0);
}
