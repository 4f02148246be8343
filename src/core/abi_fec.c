/* lumen_fec_*: either erasure code as an object of its own. */
#include "core/abi_common.h"
#include "core/abi_handle.h"
#include "core/base/check.h"
#include "core/fec/code16.h"
#include "core/fec/code8.h"

#include <stdbool.h>
#include <stdlib.h>

enum { CACHED_SHAPES = 16, MAX_SHARD_BYTES = LM_CODE16_MAX_SHARD_BYTES };

struct fec {
    LumenFecConfig config;
    struct lm_code8_cache *code8;
    struct lm_code16 *code16;
    uint8_t **shards; /* pointers of a call, max_data + max_parity */
    /* begun incrementally */
    bool begun;
    uint32_t k, m, added;
    size_t shard_bytes;
};

static void destroy(struct fec *f)
{
    if (!f)
        return;
    lm_code8_cache_destroy(f->code8);
    lm_code16_destroy(f->code16);
    free(f->shards);
    free(f);
}

static uint32_t least_power_of_two(uint32_t at_least)
{
    uint32_t power = 1;
    while (power < at_least)
        power *= 2;
    return power;
}

/* Whether (k, m) is a code of the scheme. */
static bool shape_is_valid(uint32_t scheme, uint32_t k, uint32_t m)
{
    if (k < 1 || m < 1)
        return false;
    if (scheme == LUMEN_FEC_GF8)
        return k < LM_CODE8_MAX_SHARDS && m < LM_CODE8_MAX_SHARDS && k + m <= LM_CODE8_MAX_SHARDS;
    return k < LM_CODE16_MAX_POINTS && m <= k && least_power_of_two(m) + k <= LM_CODE16_MAX_POINTS;
}

static bool size_is_valid(uint32_t scheme, size_t shard_bytes)
{
    return shard_bytes >= 1 && shard_bytes <= MAX_SHARD_BYTES &&
           (scheme == LUMEN_FEC_GF8 || shard_bytes % 2 == 0);
}

static int take_memory(struct fec *f)
{
    const LumenFecConfig *c = &f->config;
    f->shards = calloc((size_t)c->max_data + c->max_parity, sizeof *f->shards);
    if (!f->shards)
        return LM_ENOMEM;
    if (c->scheme == LUMEN_FEC_GF8)
        return lm_code8_cache_create(&f->code8, CACHED_SHAPES);
    struct lm_code16_limits limits = {c->max_data, c->max_parity, c->max_shard_bytes};
    return lm_code16_create(&f->code16, &limits);
}

LumenStatus lumen_fec_create(const LumenFecConfig *config, LumenFec **out)
{
    LM_NEED(out);
    *out = NULL;
    LM_NEED(config);
    if (config->struct_size < sizeof *config || config->scheme > LUMEN_FEC_GF16 ||
        !shape_is_valid(config->scheme, config->max_data, config->max_parity) ||
        !size_is_valid(config->scheme, config->max_shard_bytes))
        return LUMEN_STATUS_INVALID_ARG;
    struct fec *f = calloc(1, sizeof *f);
    if (!f)
        return LUMEN_STATUS_NO_MEMORY;
    f->config = *config;
    int rc = take_memory(f);
    LumenFec *handle = rc < 0 ? NULL : lm_handle_make(LM_HANDLE_FEC, f);
    if (!handle) {
        destroy(f);
        return rc < 0 ? lm_status_of(rc) : LUMEN_STATUS_NO_MEMORY;
    }
    *out = handle;
    return LUMEN_STATUS_OK;
}

void lumen_fec_destroy(LumenFec *fec)
{
    destroy(lm_handle_take(LM_HANDLE_FEC, fec));
}

static LumenStatus get(const LumenFec *handle, struct fec **out)
{
    void *object;
    LumenStatus status = lm_handle_get(LM_HANDLE_FEC, handle, &object);
    *out = object;
    return status;
}

static LumenStatus check(const struct fec *f, uint32_t k, uint32_t m, size_t shard_bytes)
{
    const LumenFecConfig *c = &f->config;
    bool ok = k <= c->max_data && m <= c->max_parity && shape_is_valid(c->scheme, k, m) &&
              shard_bytes <= c->max_shard_bytes && size_is_valid(c->scheme, shard_bytes);
    return ok ? LUMEN_STATUS_OK : LUMEN_STATUS_INVALID_ARG;
}

static bool any_null(const void *const *pointers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!pointers[i])
            return true;
    return false;
}

static LumenStatus encode(struct fec *f, uint32_t k, uint32_t m, const uint8_t *const *data,
                          uint8_t *const *parity, size_t shard_bytes)
{
    if (f->code16)
        return lm_status_of(lm_code16_encode(f->code16, k, m, data, parity, shard_bytes));
    const struct lm_code8 *code = lm_code8_cache_get(f->code8, k, m);
    LM_CHECK(code);
    lm_code8_encode(code, data, parity, shard_bytes);
    return LUMEN_STATUS_OK;
}

LumenStatus lumen_fec_encode(LumenFec *fec, uint32_t k, uint32_t m, const uint8_t *const *data,
                             uint8_t *const *parity, size_t shard_bytes)
{
    struct fec *f;
    LumenStatus status = get(fec, &f);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(data);
    LM_NEED(parity);
    status = check(f, k, m, shard_bytes);
    if (status != LUMEN_STATUS_OK)
        return status;
    if (any_null((const void *const *)data, k) || any_null((const void *const *)parity, m))
        return LUMEN_STATUS_NULL_POINTER;
    f->begun = false; /* one workspace for both ways of encoding */
    return encode(f, k, m, data, parity, shard_bytes);
}

LumenStatus lumen_fec_begin(LumenFec *fec, uint32_t k, uint32_t m, size_t shard_bytes)
{
    struct fec *f;
    LumenStatus status = get(fec, &f);
    if (status == LUMEN_STATUS_OK)
        status = check(f, k, m, shard_bytes);
    if (status != LUMEN_STATUS_OK)
        return status;
    if (f->code16 && lm_code16_begin(f->code16, k, m, shard_bytes) < 0)
        return LUMEN_STATUS_INVALID_ARG;
    f->begun = true;
    f->k = k;
    f->m = m;
    f->added = 0;
    f->shard_bytes = shard_bytes;
    return LUMEN_STATUS_OK;
}

LumenStatus lumen_fec_add(LumenFec *fec, const uint8_t *shard)
{
    struct fec *f;
    LumenStatus status = get(fec, &f);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(shard);
    if (!f->begun || f->added == f->k)
        return LUMEN_STATUS_INVALID_ARG;
    if (f->code16 && lm_code16_add(f->code16, shard) < 0)
        return LUMEN_STATUS_INVALID_ARG;
    f->shards[f->added++] = (uint8_t *)(uintptr_t)shard;
    return LUMEN_STATUS_OK;
}

LumenStatus lumen_fec_finish(LumenFec *fec, uint8_t *const *parity)
{
    struct fec *f;
    LumenStatus status = get(fec, &f);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(parity);
    if (!f->begun || f->added != f->k)
        return LUMEN_STATUS_INVALID_ARG;
    if (any_null((const void *const *)parity, f->m))
        return LUMEN_STATUS_NULL_POINTER;
    f->begun = false;
    if (f->code16)
        return lm_status_of(lm_code16_finish(f->code16, parity));
    return encode(f, f->k, f->m, (const uint8_t *const *)f->shards, parity, f->shard_bytes);
}

/* Every present shard, and every data shard, has memory. */
static bool has_shards(uint8_t *const *shards, const uint8_t *present, uint32_t k, uint32_t m)
{
    for (uint32_t i = 0; i < k + m; i++)
        if (!shards[i] && (i < k || present[i]))
            return false;
    return true;
}

LumenStatus lumen_fec_decode(LumenFec *fec, uint32_t k, uint32_t m, uint8_t *const *shards,
                             const uint8_t *present, size_t shard_bytes, uint32_t *restored)
{
    struct fec *f;
    if (restored)
        *restored = 0;
    LumenStatus status = get(fec, &f);
    if (status != LUMEN_STATUS_OK)
        return status;
    LM_NEED(shards);
    LM_NEED(present);
    status = check(f, k, m, shard_bytes);
    if (status != LUMEN_STATUS_OK)
        return status;
    if (!has_shards(shards, present, k, m))
        return LUMEN_STATUS_NULL_POINTER;
    int rc;
    f->begun = false;
    if (f->code16) {
        rc = lm_code16_decode(f->code16, k, m, shards, present, shard_bytes);
    } else {
        const struct lm_code8 *code = lm_code8_cache_get(f->code8, k, m);
        LM_CHECK(code);
        rc = lm_code8_decode(code, shards, present, shard_bytes);
    }
    if (rc > 0 && restored)
        *restored = (uint32_t)rc;
    return lm_status_of(rc);
}
