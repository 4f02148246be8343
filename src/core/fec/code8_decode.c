#include "core/dsp/gf8_tables.h"
#include "core/fec/code8_parts.h"

#include <limits.h>
#include <string.h>

#define ROWS 32 /* of a dense product at a time */
#define DIRECT_MAX                                                                                 \
    800              /* points times lost shards; beyond, a transform gives the weights faster     \
                      */
#define SIDE      16 /* of a square of all points */
#define MIN_MIXED 4  /* lost shards; fewer are one pass over the data */

/* Which shards take part in a repair: parity row rows[r] gives one equation for the unknowns
 * lost[c]. */
struct repair {
    const struct lm_code8 *code;
    unsigned count;
    uint8_t lost[LM_CODE8_MAX_LOST], rows[LM_CODE8_MAX_LOST];
    uint8_t weight[LM_CODE8_POINTS]; /* see weigh() */
    struct lm_code8_block block;     /* that the rows lie in; levels 0: any */
};

/* False when too little is present. */
static bool select_shards(struct repair *r, const uint8_t *present)
{
    const struct lm_code8 *code = r->code;
    const uint8_t *end = present + code->k, *gap = memchr(present, 0, code->k);
    unsigned found = 0;
    for (r->count = 0; gap; gap = memchr(gap + 1, 0, (size_t)(end - gap - 1))) {
        if (r->count == code->m)
            return false;
        r->lost[r->count++] = (uint8_t)(gap - present);
    }
    for (unsigned j = 0; j < code->m && found < r->count; j++)
        if (present[code->k + j])
            r->rows[found++] = (uint8_t)j;
    return found == r->count;
}

static void sum_and_difference(int16_t a[restrict SIDE], int16_t b[restrict SIDE])
{
    for (unsigned n = 0; n < SIDE; n++) {
        int16_t sum = (int16_t)(a[n] + b[n]);
        b[n] = (int16_t)(a[n] - b[n]);
        a[n] = sum;
    }
}

/* Over the rows of a square. */
static void hadamard_half(int16_t v[SIDE][SIDE])
{
    for (unsigned half = 1; half < SIDE; half *= 2)
        for (unsigned i = 0; i < SIDE; i += 2 * half)
            for (unsigned n = i; n < i + half; n++)
                sum_and_difference(v[n], v[n + half]);
}

/* The Walsh-Hadamard transform, with the halves of the index exchanged; v is used up. */
static void hadamard(int16_t to[SIDE][SIDE], int16_t v[SIDE][SIDE])
{
    hadamard_half(v);
    for (unsigned i = 0; i < SIDE; i++)
        for (unsigned n = 0; n < SIDE; n++)
            to[n][i] = v[i][n];
    hadamard_half(to);
}

/* Modulo 255, where 256 is 1: 0..254. */
static int16_t residue(int16_t v)
{
    int16_t once = (int16_t)((v & 255) + (v >> 8) + 255);  /* 127..637 */
    int16_t twice = (int16_t)((once & 255) + (once >> 8)); /* 0..257 */
    return (int16_t)(twice - (twice >= 255 ? 255 : 0));
}

/* -127..127, so that 256 of them fit a word. */
static int16_t balanced(int16_t v)
{
    int16_t r = residue(v);
    return (int16_t)(r - (r > 127 ? 255 : 0));
}

void lm_code8_set_spectrum(struct lm_code8 *code)
{
    int16_t log[SIDE][SIDE], to[SIDE][SIDE];
    for (unsigned n = 0; n < LM_CODE8_POINTS; n++)
        log[n / SIDE][n % SIDE] = balanced(lm_gf8_log[n]);
    hadamard(to, log);
    for (unsigned n = 0; n < LM_CODE8_POINTS; n++)
        code->spectrum[n] = (int8_t)balanced(to[n / SIDE][n % SIDE]);
}

/* The sum of logarithms is a convolution over XOR; its factor of 256 is 1 modulo 255. */
static void weigh_all(struct repair *r)
{
    int16_t sign[SIDE][SIDE] = {{0}}, to[SIDE][SIDE];
    int16_t *s = sign[0], *t = to[0];
    for (unsigned n = 0; n < r->count; n++) {
        s[r->code->m + r->lost[n]] = 1;
        s[r->rows[n]] = -1;
    }
    hadamard(to, sign);
    for (unsigned n = 0; n < LM_CODE8_POINTS; n++)
        t[n] = balanced((int16_t)(t[n] * r->code->spectrum[n]));
    hadamard(sign, to);
    for (unsigned n = 0; n < LM_CODE8_POINTS; n++)
        r->weight[n] = (uint8_t)residue(s[n]);
}

/* With P the product of (x + lost point) and Q that of (x + used parity's point), factors that
 * vanish left out, weight[x] is the logarithm of P(x) / Q(x). */
static void weigh(struct repair *r)
{
    unsigned m = r->code->m, points = m + r->code->k;
    if (points * r->count > DIRECT_MAX) {
        weigh_all(r);
        return;
    }
    for (unsigned x = 0; x < points; x++) {
        unsigned sum = 0;
        for (unsigned n = 0; n < r->count; n++)
            sum += 255u + lm_gf8_log[x ^ (m + r->lost[n])] - lm_gf8_log[x ^ r->rows[n]];
        r->weight[x] = (uint8_t)(sum % 255);
    }
}

/* What lost shard c owes to the shards at `count` points, `stride` apart. The code words are values
 * of polynomials, so by Lagrange it is P(x) / Q(x) * Q(y) / P(y) / (x + y) for point x and lost
 * point y, in the notation above. */
static void owe(const struct repair *r, unsigned c, const uint8_t point[], unsigned count,
                uint8_t *restrict to, unsigned stride)
{
    unsigned lost = r->code->m + r->lost[c], row = r->rows[0];
    unsigned fixed = 255u + 255u - r->weight[lost];
    if (r->count == 1) { /* P(x) / (x + y) is 1 for shards, and the used parity's Q is 1 */
        fixed = lm_gf8_log[lost ^ row];
        for (unsigned n = 0; n < count; n++)
            to[n] = lm_gf8_exp[fixed + 255u - lm_gf8_log[point[n] ^ row]];
        to[count - 1] = lm_gf8_exp[fixed];
        return;
    }
    for (unsigned n = 0; n < count; n++, to += stride)
        *to = lm_gf8_exp[fixed + r->weight[point[n]] - lm_gf8_log[point[n] ^ lost]];
}

/* The same for any matrix of up to two parity rows, from its definition. */
static void owe_small(const struct repair *r, unsigned c, const uint8_t point[], unsigned count,
                      uint8_t *to, unsigned stride)
{
    const uint8_t *p = r->code->coefficients;
    unsigned m = r->code->m, other = r->count - 1 - c;
    const uint8_t *mine = p + r->lost[c] * m, *others = p + r->lost[other] * m;
    uint8_t factor[2]; /* of the used parity rows */
    LM_CHECK(r->count <= 2);
    factor[0] = lm_gf8_inverse(mine[r->rows[0]]);
    if (r->count == 2) {
        uint8_t determinant = lm_gf8_multiply(mine[r->rows[0]], others[r->rows[1]]) ^
                              lm_gf8_multiply(mine[r->rows[1]], others[r->rows[0]]);
        LM_CHECK(determinant != 0);
        uint8_t scale = lm_gf8_inverse(determinant);
        factor[0] = lm_gf8_multiply(scale, others[r->rows[1]]);
        factor[1] = lm_gf8_multiply(scale, others[r->rows[0]]);
    }
    for (unsigned n = 0; n < count; n++) {
        uint8_t sum = 0;
        for (unsigned row = 0; row < r->count; row++) {
            uint8_t e = point[n] == r->rows[row] ? 1
                        : point[n] < m           ? 0
                                                 : p[(point[n] - m) * m + r->rows[row]];
            sum ^= lm_gf8_multiply(factor[row], e);
        }
        to[n * stride] = sum;
    }
}

/* Each lost shard from all of k shards that are there. */
static void rebuild_dense(const struct repair *r, uint8_t *const shards[], size_t shard_bytes)
{
    const struct lm_code8 *code = r->code;
    uint8_t point[LM_CODE8_MAX_SHARDS], coefficients[LM_CODE8_MAX_SHARDS * ROWS];
    const uint8_t *src[LM_CODE8_MAX_SHARDS];
    uint8_t *dst[ROWS];
    struct lm_gf8_map map = {.coefficients = coefficients};
    for (unsigned n = 0, i = 0; n <= r->count; n++, i++) /* runs between the gaps */
        for (unsigned end = n < r->count ? r->lost[n] : code->k; i < end; i++) {
            point[map.sources] = (uint8_t)(code->m + i);
            src[map.sources++] = shards[i];
        }
    for (unsigned n = 0; n < r->count; n++) {
        point[map.sources] = r->rows[n];
        src[map.sources++] = shards[code->k + r->rows[n]];
    }
    for (unsigned from = 0; from < r->count; from += ROWS) {
        map.rows = map.stride = LM_MIN(r->count - from, ROWS);
        for (unsigned c = 0; c < map.rows; c++) {
            dst[c] = shards[r->lost[from + c]];
            (code->cauchy ? owe : owe_small)(r, from + c, point, map.sources, coefficients + c,
                                             map.stride);
        }
        code->kernel->apply(&map, src, dst, shard_bytes);
    }
}

static void add_row(uint8_t *restrict to, const uint8_t *restrict from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] ^= from[i];
}

/* Parity of what is there, by transform, in rows of sums; its difference to the true parity depends
 * on the lost shards alone: as many equations as unknowns. */
static void rebuild_mixed(const struct repair *r, uint8_t *const shards[], const uint8_t *present,
                          size_t shard_bytes)
{
    const struct lm_code8 *code = r->code;
    _Alignas(64) uint8_t sums[LM_CODE8_AREA_BYTES];
    uint8_t coefficients[LM_CODE8_MAX_LOST * LM_CODE8_MAX_LOST];
    const uint8_t *point[LM_CODE8_POINTS] = {NULL}, *src[LM_CODE8_MAX_LOST];
    uint8_t *dst[LM_CODE8_MAX_LOST], *row[LM_CODE8_MAX_SHARDS] = {NULL};
    struct lm_code8_tile tile = {
        .code = code, .point = point, .sums = sums, .most_bytes = code->plan.tile_bytes};
    struct lm_gf8_map map = {
        .coefficients = coefficients, .rows = r->count, .sources = r->count, .stride = r->count};
    if (r->block.levels)
        tile.most_bytes = lm_code8_block_tile(r->block.levels);
    for (unsigned i = 0; i < code->k; i++)
        point[code->m + i] = present[i] ? shards[i] : NULL;
    for (unsigned c = 0; c < r->count; c++)
        owe(r, c, r->rows, r->count, coefficients + c, r->count);
    while (lm_code8_next_tile(&tile, shard_bytes)) {
        for (unsigned j = 0; !r->block.levels && j < code->m; j++)
            row[j] = sums + j * tile.size_bytes;
        for (unsigned n = 0; n < r->count; n++)
            row[r->rows[n]] = sums + (r->rows[n] - r->block.first) * tile.size_bytes;
        if (r->block.levels)
            lm_code8_transform_block(&tile, &r->block, row + r->block.first);
        else
            lm_code8_transform(&tile, row, 0);
        for (unsigned n = 0; n < r->count; n++) {
            src[n] = row[r->rows[n]];
            dst[n] = shards[r->lost[n]] + tile.at;
            add_row(row[r->rows[n]], shards[code->k + r->rows[n]] + tile.at, tile.size_bytes);
        }
        code->kernel->apply(&map, src, dst, tile.size_bytes);
    }
}

/* The smallest block of parity that has as many shards at hand as are lost. False when none has. */
static bool find_block(struct lm_code8_block *block, const struct repair *r, const uint8_t *present)
{
    const uint8_t *parity = present + r->code->k;
    for (unsigned levels = 1; 1u << levels <= r->code->m; levels++)
        for (unsigned first = 0; first + (1u << levels) <= r->code->m; first += 1u << levels) {
            unsigned found = 0;
            for (unsigned j = first; j < first + (1u << levels); j++)
                found += parity[j] != 0;
            if (found < r->count)
                continue;
            *block = (struct lm_code8_block){levels, first};
            return true;
        }
    return false;
}

static void use_block(struct repair *r, const struct lm_code8_block *block, const uint8_t *present)
{
    const uint8_t *parity = present + r->code->k;
    unsigned found = 0;
    r->block = *block;
    for (unsigned j = block->first; found < r->count; j++)
        if (parity[j])
            r->rows[found++] = (uint8_t)j;
}

/* True when transforms do it in less time than a dense product of all that is there. */
static bool prefers_transforms(struct repair *r, const uint8_t *present, size_t shard_bytes)
{
    const struct lm_code8 *code = r->code;
    struct lm_code8_block block;
    unsigned square = lm_code8_dense_cost(r->count, r->count);
    unsigned dense = lm_code8_dense_cost(r->count, code->k);
    unsigned whole = code->plan.levels ? code->plan.cost + square : UINT_MAX;
    unsigned part = UINT_MAX;
    if (!code->cauchy || shard_bytes < LM_CODE8_COLUMN_BYTES || r->count < MIN_MIXED)
        return false;
    if (find_block(&block, r, present))
        part = lm_code8_block_cost(code, block.levels) + square;
    if (part < whole && part < dense)
        use_block(r, &block, present);
    return LM_MIN(part, whole) < dense;
}

int lm_code8_decode(const struct lm_code8 *code, uint8_t *const shards[], const uint8_t *present,
                    size_t shard_bytes)
{
    struct repair r;
    r.code = code;
    LM_DCHECK(shard_bytes > 0);
    if (!select_shards(&r, present))
        return LM_ENOENT;
    if (r.count == 0)
        return 0;
    r.block.levels = r.block.first = 0;
    bool mixed = prefers_transforms(&r, present, shard_bytes);
    if (code->cauchy && r.count > 1)
        weigh(&r);
    if (mixed)
        rebuild_mixed(&r, shards, present, shard_bytes);
    else
        rebuild_dense(&r, shards, shard_bytes);
    return (int)r.count;
}
