#include "core/fec/code8.h"

#include "core/dsp/cpu.h"
#include "core/dsp/gf8_tables.h"
#include "core/fec/code8_parts.h"

#include <stdlib.h>

#define MAX_CODE_SLOTS 64

struct slot {
    struct lm_code8 code;
    uint64_t used; /* the cache's count at the last use */
};

struct lm_code8_cache {
    uint64_t uses;
    unsigned slots;
    struct slot slot[];
};

static void code_init(struct lm_code8 *code, unsigned k, unsigned m)
{
    code->kernel = lm_gf8_kernel(lm_cpu_flags());
    code->k = k;
    code->m = m;
    code->cauchy = true;
    lm_code8_make_plan(&code->plan, k, m);
    lm_code8_set_spectrum(code);
    for (unsigned i = 0; i < k; i++)
        for (unsigned j = 0; j < m; j++)
            code->coefficients[i * m + j] = lm_gf8_inverse((uint8_t)((m + i) ^ j));
}

static bool shape_fits(unsigned k, unsigned m)
{
    return k >= 1 && m >= 1 && k < LM_CODE8_MAX_SHARDS && m <= LM_CODE8_MAX_SHARDS - k;
}

int lm_code8_create(struct lm_code8 **out, unsigned k, unsigned m)
{
    *out = NULL;
    if (!shape_fits(k, m))
        return LM_EINVAL;
    struct lm_code8 *code = calloc(1, sizeof *code);
    if (!code)
        return LM_ENOMEM;
    code_init(code, k, m);
    *out = code;
    return 0;
}

int lm_code8_create_audio(struct lm_code8 **out)
{
    static const uint8_t rows[LM_CODE8_AUDIO_PARITY][LM_CODE8_AUDIO_DATA] = {
        {0x77, 0x40, 0x38, 0x0e}, {0xc7, 0xa7, 0x0d, 0x6c}};
    int err = lm_code8_create(out, LM_CODE8_AUDIO_DATA, LM_CODE8_AUDIO_PARITY);
    if (err)
        return err;
    (*out)->cauchy = false;
    (*out)->plan.levels = 0;
    for (unsigned i = 0; i < LM_CODE8_AUDIO_DATA; i++)
        for (unsigned j = 0; j < LM_CODE8_AUDIO_PARITY; j++)
            (*out)->coefficients[i * LM_CODE8_AUDIO_PARITY + j] = rows[j][i];
    return 0;
}

void lm_code8_destroy(struct lm_code8 *code)
{
    free(code);
}

unsigned lm_code8_data(const struct lm_code8 *code)
{
    return code->k;
}

unsigned lm_code8_parity(const struct lm_code8 *code)
{
    return code->m;
}

static void encode_dense(const struct lm_code8 *code, const uint8_t *const data[],
                         uint8_t *const parity[], size_t shard_bytes)
{
    struct lm_gf8_map map = {
        .coefficients = code->coefficients, .rows = code->m, .sources = code->k, .stride = code->m};
    code->kernel->apply(&map, data, parity, shard_bytes);
}

static void encode_transform(const struct lm_code8 *code, const uint8_t *const data[],
                             uint8_t *const parity[], size_t shard_bytes)
{
    _Alignas(64) uint8_t sums[LM_CODE8_AREA_BYTES];
    const uint8_t *point[LM_CODE8_POINTS] = {NULL};
    struct lm_code8_tile tile = {
        .code = code, .point = point, .sums = sums, .most_bytes = code->plan.tile_bytes};
    for (unsigned i = 0; i < code->k; i++)
        point[code->m + i] = data[i];
    while (lm_code8_next_tile(&tile, shard_bytes))
        lm_code8_transform(&tile, parity, tile.at);
}

void lm_code8_encode(const struct lm_code8 *code, const uint8_t *const data[],
                     uint8_t *const parity[], size_t shard_bytes)
{
    LM_DCHECK(shard_bytes > 0);
    if (code->plan.levels && shard_bytes >= LM_CODE8_COLUMN_BYTES)
        encode_transform(code, data, parity, shard_bytes);
    else
        encode_dense(code, data, parity, shard_bytes);
}

int lm_code8_cache_create(struct lm_code8_cache **out, unsigned slots)
{
    *out = NULL;
    if (slots < 1 || slots > MAX_CODE_SLOTS)
        return LM_EINVAL;
    struct lm_code8_cache *cache = calloc(1, sizeof *cache + slots * sizeof cache->slot[0]);
    if (!cache)
        return LM_ENOMEM;
    cache->slots = slots;
    *out = cache;
    return 0;
}

void lm_code8_cache_destroy(struct lm_code8_cache *cache)
{
    free(cache);
}

const struct lm_code8 *lm_code8_cache_get(struct lm_code8_cache *cache, unsigned k, unsigned m)
{
    if (!shape_fits(k, m))
        return NULL;
    struct slot *oldest = cache->slot, *end = cache->slot + cache->slots;
    cache->uses++;
    for (struct slot *at = cache->slot; at < end; at++) {
        if (at->code.k == k && at->code.m == m) {
            at->used = cache->uses;
            return &at->code;
        }
        if (at->used < oldest->used)
            oldest = at;
    }
    code_init(&oldest->code, k, m);
    oldest->used = cache->uses;
    return &oldest->code;
}
