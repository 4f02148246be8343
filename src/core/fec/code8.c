#include "core/fec/code8.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/dsp.h"
#include "core/dsp/gf8_tables.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LOST       (LM_CODE8_MAX_SHARDS / 2)
#define MAX_PRODUCT    (128 * 127) /* the largest k * m with k + m <= 255 */
#define MAX_SURVIVORS  (127 * 64)  /* the largest (k - e) * e with e <= m */
#define CHUNK_BYTES    256
#define MAX_CODE_SLOTS 64

struct lm_code8 {
    const struct lm_gf8_kernel *kernel;
    unsigned k, m;                     /* k == 0: an unused slot */
    bool cauchy;                       /* coefficients are 1 / ((m + i) ^ j) */
    uint8_t coefficients[MAX_PRODUCT]; /* [i * m + j] */
};

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

void lm_code8_encode(const struct lm_code8 *code, const uint8_t *const data[],
                     uint8_t *const parity[], size_t shard_bytes)
{
    LM_DCHECK(shard_bytes > 0);
    struct lm_gf8_map map = {
        .coefficients = code->coefficients, .rows = code->m, .sources = code->k, .stride = code->m};
    code->kernel->apply(&map, data, parity, shard_bytes);
}

/* Which shards take part in a repair, and the matrices: lost[c] are the unknowns, parity row
 * rows[r] gives one equation each. */
struct repair {
    unsigned count;
    uint8_t lost[MAX_LOST], rows[MAX_LOST];
    uint8_t survivors[MAX_SURVIVORS];     /* [present data * count + r] */
    uint8_t inverse[MAX_LOST * MAX_LOST]; /* [r * count + c] */
};

/* False when too little is present. */
static bool select_shards(struct repair *r, const struct lm_code8 *code, const uint8_t *present)
{
    unsigned missing = 0, found = 0;
    for (unsigned i = 0; i < code->k; i++)
        missing += !present[i];
    if (missing > code->m)
        return false;
    r->count = 0;
    for (unsigned i = 0; i < code->k; i++)
        if (!present[i])
            r->lost[r->count++] = (uint8_t)i;
    for (unsigned j = 0; j < code->m && found < missing; j++)
        if (present[code->k + j])
            r->rows[found++] = (uint8_t)j;
    return found == missing;
}

/* The inverse of a Cauchy matrix 1 / (x_c + y_r) in closed form: its element (c, r) is
 * A_c * B_r / (x_c + y_r), with
 *   A_c = product over l of (x_c + y_l)  / product over l != c of (x_c + x_l)
 *   B_r = product over l of (x_l + y_r)  / product over l != r of (y_r + y_l). */
static void invert_cauchy(struct repair *r, const struct lm_code8 *code)
{
    unsigned n = r->count, a[MAX_LOST], b[MAX_LOST]; /* logarithms of A and B, modulo 255 */
    for (unsigned c = 0; c < n; c++) {
        a[c] = b[c] = 0;
        for (unsigned l = 0; l < n; l++) {
            unsigned x = code->m + r->lost[c], y = r->rows[c];
            a[c] += lm_gf8_log[x ^ r->rows[l]];
            b[c] += lm_gf8_log[(code->m + r->lost[l]) ^ y];
            if (l == c)
                continue;
            a[c] += 255u - lm_gf8_log[x ^ (code->m + r->lost[l])];
            b[c] += 255u - lm_gf8_log[y ^ r->rows[l]];
        }
        a[c] %= 255;
        b[c] %= 255;
    }
    for (unsigned row = 0; row < n; row++)
        for (unsigned c = 0; c < n; c++) {
            unsigned x = code->m + r->lost[c];
            unsigned sum = a[c] + b[row] + 255u - lm_gf8_log[x ^ r->rows[row]];
            r->inverse[row * n + c] = lm_gf8_exp[sum % 255];
        }
}

/* One or two unknowns of any matrix. */
static void invert_small(struct repair *r, const struct lm_code8 *code)
{
    const uint8_t *p = code->coefficients;
    unsigned m = code->m;
    if (r->count == 1) {
        r->inverse[0] = lm_gf8_inverse(p[r->lost[0] * m + r->rows[0]]);
        return;
    }
    LM_CHECK(r->count == 2);
    uint8_t e00 = p[r->lost[0] * m + r->rows[0]], e01 = p[r->lost[1] * m + r->rows[0]];
    uint8_t e10 = p[r->lost[0] * m + r->rows[1]], e11 = p[r->lost[1] * m + r->rows[1]];
    uint8_t determinant = lm_gf8_multiply(e00, e11) ^ lm_gf8_multiply(e01, e10);
    LM_CHECK(determinant != 0);
    uint8_t scale = lm_gf8_inverse(determinant);
    r->inverse[0] = lm_gf8_multiply(scale, e11);
    r->inverse[1] = lm_gf8_multiply(scale, e10);
    r->inverse[2] = lm_gf8_multiply(scale, e01);
    r->inverse[3] = lm_gf8_multiply(scale, e00);
}

/* What the present data contributes to the chosen parity rows, into the lost shards' buffers.
 * False when no data is present. */
static bool sum_survivors(struct repair *r, const struct lm_code8 *code, uint8_t *const shards[],
                          const uint8_t *present, size_t shard_bytes)
{
    const uint8_t *src[LM_CODE8_MAX_SHARDS];
    uint8_t *dst[MAX_LOST], *to = r->survivors;
    struct lm_gf8_map map = {
        .coefficients = r->survivors, .rows = r->count, .sources = 0, .stride = r->count};
    for (unsigned i = 0; i < code->k; i++) {
        if (!present[i])
            continue;
        src[map.sources++] = shards[i];
        for (unsigned row = 0; row < r->count; row++)
            *to++ = code->coefficients[i * code->m + r->rows[row]];
    }
    if (map.sources == 0)
        return false;
    for (unsigned c = 0; c < r->count; c++)
        dst[c] = shards[r->lost[c]];
    code->kernel->apply(&map, src, dst, shard_bytes);
    return true;
}

static void solve(const struct repair *r, const struct lm_code8 *code, uint8_t *const shards[],
                  bool with_data, size_t shard_bytes)
{
    _Alignas(64) uint8_t scratch[MAX_LOST][CHUNK_BYTES];
    const uint8_t *src[MAX_LOST];
    uint8_t *dst[MAX_LOST];
    struct lm_gf8_map map = {
        .coefficients = r->inverse, .rows = r->count, .sources = r->count, .stride = r->count};
    for (unsigned row = 0; row < r->count; row++)
        src[row] = scratch[row];
    for (size_t at = 0; at < shard_bytes; at += CHUNK_BYTES) {
        size_t size = LM_MIN(shard_bytes - at, CHUNK_BYTES);
        for (unsigned row = 0; row < r->count; row++) {
            const uint8_t *parity = shards[code->k + r->rows[row]] + at;
            dst[row] = shards[r->lost[row]] + at;
            memcpy(scratch[row], parity, size);
            for (size_t b = 0; with_data && b < size; b++)
                scratch[row][b] ^= dst[row][b];
        }
        code->kernel->apply(&map, src, dst, size);
    }
}

int lm_code8_decode(const struct lm_code8 *code, uint8_t *const shards[], const uint8_t *present,
                    size_t shard_bytes)
{
    struct repair r;
    LM_DCHECK(shard_bytes > 0);
    if (!select_shards(&r, code, present))
        return LM_ENOENT;
    if (r.count == 0)
        return 0;
    if (code->cauchy)
        invert_cauchy(&r, code);
    else
        invert_small(&r, code);
    bool with_data = sum_survivors(&r, code, shards, present, shard_bytes);
    solve(&r, code, shards, with_data, shard_bytes);
    return (int)r.count;
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
