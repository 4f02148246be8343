/* Finding lost data. With E lost data shards, any aligned block of B = 2^b parity slots of which E
 * or more are at hand is enough: what the present data contributes to these slots is subtracted
 * from them, and leaves sigma, the contribution of the lost data alone,
 *   sigma(j) = sum over e in E of s_e d_e / (x_e ^ j),    x = M + i,  s = x >> log2 M.
 *
 * The contribution itself is a sum of inverse transforms of size B: at a block of B points that
 * begins at x, that of the block of slots that begins at j has the terms 1 / (x ^ j) times
 * (x >> b) ^ (j >> b), so scaling by s / ((x >> b) ^ (j >> b)) gives the code. With B = M it is the
 * encoder.
 *
 * From sigma, the lost data is found by the inverse of the Cauchy matrix, in closed form, or thus:
 * with Lambda the product of all x ^ f, f the lost data's points and the slots of the block that
 * are not used, Lambda * sigma is a polynomial of degree < B, known at the B points of the block,
 * and its value at x_e is s_e d_e times the derivative of Lambda there. */
#include "core/fec/code16_parts.h"

#include "core/base/check.h"

#include <string.h>

/* log of s of the data at this point */
static uint16_t scale_log(const struct lm_code16 *code, const struct lm_c16_shape *s,
                          unsigned point)
{
    return code->log_table[point >> s->log_slots];
}

/* False when there is too little. */
static bool find_lost(struct lm_c16_repair *r, const struct lm_c16_shape *s, const uint8_t *present)
{
    unsigned lost = 0, parity = 0;
    for (unsigned i = 0; i < s->k; i++)
        lost += !present[i];
    for (unsigned j = 0; j < s->m; j++)
        parity += present[s->k + j] != 0;
    if (lost > parity)
        return false;
    r->present = present;
    r->sources = s->k - lost;
    r->lost_count = 0;
    for (unsigned i = 0; r->lost_count < lost; i++)
        if (!present[i]) {
            r->lost_point[r->lost_count] = (uint16_t)(s->slots + i);
            r->lost[r->lost_count++] = (uint16_t)i;
        }
    return true;
}

/* The smallest aligned block of slots with enough parity in it. */
static void find_block(struct lm_c16_repair *r, const struct lm_c16_shape *s)
{
    for (unsigned b = lm_c16_log_ceiling(r->lost_count); b < s->log_slots; b++)
        for (unsigned first = 0; first < s->m; first += 1u << b) {
            unsigned count = 0, end = LM_MIN(first + (1u << b), s->m);
            for (unsigned j = first; j < end; j++)
                count += r->present[s->k + j] != 0;
            if (count >= r->lost_count) {
                r->log_size = b;
                r->first = first;
                return;
            }
        }
    r->log_size = s->log_slots;
    r->first = 0;
}

/* The lowest parity at hand, from slot `first` on. */
static void pick_parity(struct lm_c16_repair *r, const struct lm_c16_shape *s, unsigned first)
{
    unsigned count = 0;
    for (unsigned j = first; count < r->lost_count; j++)
        if (r->present[s->k + j])
            r->used[count++] = (uint16_t)j;
}

/* The coefficients of the dense solve: of lost data q and parity r,
 *   A_q * B_r / (x_q ^ r) / s_q
 *   A_q = product over t of (x_q ^ r_t) / product over t != q of (x_q ^ x_t)
 *   B_r = product over t of (x_t ^ r)   / product over t != r of (r ^ r_t). */
static void prepare_solve(const struct lm_code16 *code, const struct lm_c16_shape *s,
                          struct lm_c16_repair *r)
{
    const uint16_t *log = code->log_table, *x = r->lost_point, *y = r->used;
    uint32_t *a = r->lost_sum, *b = r->used_sum; /* of up to 2^16 terms of 65535: no overflow */
    for (unsigned q = 0; q < r->lost_count; q++) {
        a[q] = LM_C16_ORDER - scale_log(code, s, x[q]);
        b[q] = 0;
    }
    for (unsigned q = 0; q < r->lost_count; q++) {
        uint32_t sum_a = 0, sum_b = 0;
        for (unsigned t = 0; t < q; t++) {
            uint32_t of_lost = LM_C16_ORDER - log[x[q] ^ x[t]];
            uint32_t of_used = LM_C16_ORDER - log[y[q] ^ y[t]];
            sum_a += of_lost + log[x[q] ^ y[t]];
            sum_b += of_used + log[x[t] ^ y[q]];
            a[t] += of_lost + log[x[t] ^ y[q]];
            b[t] += of_used + log[x[q] ^ y[t]];
        }
        a[q] += sum_a + log[x[q] ^ y[q]];
        b[q] += sum_b + log[x[q] ^ y[q]];
    }
    for (unsigned q = 0; q < r->lost_count; q++) {
        r->lost_log[q] = (uint16_t)(a[q] % LM_C16_ORDER);
        r->used_log[q] = (uint16_t)(b[q] % LM_C16_ORDER);
    }
}

/* The sources of dense syndromes. */
static void prepare_sources(const struct lm_code16 *code, const struct lm_c16_shape *s,
                            struct lm_c16_repair *r)
{
    unsigned count = 0;
    for (unsigned i = 0; i < s->k; i++)
        if (r->present[i]) {
            r->source_point[count] = (uint16_t)(s->slots + i);
            r->source_log[count++] = scale_log(code, s, s->slots + i);
        }
}

/* What the transforms multiply sigma and the results by. */
static void prepare_locator(struct lm_code16 *code, const struct lm_c16_shape *s,
                            struct lm_c16_repair *r)
{
    unsigned bits = lm_c16_log_ceiling(s->slots + s->k), count = r->lost_count;
    uint32_t *locator = lm_c16_erasures(&code->locator, bits);
    for (unsigned j = r->first; j < r->first + (1u << r->log_size); j++)
        locator[j] = 1;
    for (unsigned i = 0; i < count; i++) {
        locator[r->used[i]] = 0;
        locator[r->lost_point[i]] = 1;
    }
    lm_c16_locate(&code->locator, bits);
    for (unsigned i = 0; i < count; i++) {
        unsigned x = r->lost_point[i];
        r->sigma_scale[i] = code->exp_table[locator[r->used[i]]];
        r->lost_scale[i] =
            code->exp_table[(2 * LM_C16_ORDER - locator[x] - scale_log(code, s, x)) % LM_C16_ORDER];
    }
}

/* Sigma is collected in code->row, a row for each used slot; wanted says which slot's is where. */
static void prepare_rows(struct lm_code16 *code)
{
    const struct lm_c16_repair *r = &code->repair;
    memset(code->wanted, 0, ((size_t)1 << r->log_sum) * sizeof code->wanted[0]);
    for (unsigned i = 0; i < r->lost_count; i++)
        code->wanted[r->used[i] - r->sum_first] = code->row[i];
}

/* The sum of the inverse transforms of the present data. False when there is none. */
static bool sum_sources(const struct lm_code16 *code, const struct lm_c16_shape *s,
                        const struct lm_c16_columns *c)
{
    const struct lm_c16_repair *r = &code->repair;
    unsigned b = r->log_sum, size = 1u << b;
    struct lm_c16_transform t;
    lm_c16_transform_init(&t, code, b);
    lm_c16_transform_place(&t, code, c);
    t.src_at = c->at;
    for (unsigned i = 0; i < s->k; i += size) {
        unsigned x = s->slots + i, at = 0;
        t.rows = LM_MIN(size, s->k - i);
        while (at < t.rows && !code->src[i + at])
            at++;
        if (at == t.rows)
            continue;
        t.base = x;
        t.src = code->src + i;
        if (b < s->log_slots)
            t.scale = code->exp_table[(LM_C16_ORDER + (uint32_t)scale_log(code, s, x) -
                                       code->log_table[(x ^ r->sum_first) >> b]) %
                                      LM_C16_ORDER];
        lm_c16_inverse(&t);
        t.add = true;
    }
    return t.add;
}

/* The contribution of the present data to the used slots, into the rows. */
static void contribute(struct lm_code16 *code, const struct lm_c16_shape *s, size_t size_bytes)
{
    const struct lm_c16_repair *r = &code->repair;
    struct lm_c16_columns c = {0};
    struct lm_c16_transform t;
    prepare_rows(code);
    while (lm_c16_next_columns(&c, lm_c16_columns(1u << r->log_sum), size_bytes)) {
        if (!sum_sources(code, s, &c)) {
            for (unsigned i = 0; i < r->lost_count; i++)
                memset(code->row[i], 0, size_bytes);
            return;
        }
        lm_c16_transform_init(&t, code, r->log_sum);
        lm_c16_transform_place(&t, code, &c);
        t.work = t.area;
        t.base = r->sum_first;
        t.dst = code->wanted;
        t.dst_at = c.at;
        lm_c16_forward(&t);
    }
}

static void add_bytes(uint8_t *restrict to, const uint8_t *restrict from, size_t size_bytes)
{
    for (size_t i = 0; i < size_bytes; i++)
        to[i] ^= from[i];
}

static void solve_dense(struct lm_code16 *code, const struct lm_c16_repair *r,
                        const uint8_t *const sigma[], uint8_t *const shards[], size_t size_bytes)
{
    struct lm_c16_cauchy p = {.row_point = r->lost_point,
                              .row_log = r->lost_log,
                              .source_point = r->used,
                              .source_log = r->used_log,
                              .rows = r->lost_count,
                              .sources = r->lost_count};
    for (unsigned i = 0; i < r->lost_count; i++)
        code->dst[i] = shards[r->lost[i]];
    lm_c16_dense(code, &p, sigma, code->dst, size_bytes, false);
}

static void repair_dense(struct lm_code16 *code, const struct lm_c16_shape *s,
                         uint8_t *const shards[], size_t size_bytes)
{
    static const uint16_t no_log[LM_C16_DENSE_ROWS];
    const struct lm_c16_repair *r = &code->repair;
    unsigned sources = 0;
    for (unsigned i = 0; i < r->lost_count; i++)
        memcpy(code->row[i], shards[s->k + r->used[i]], size_bytes);
    for (unsigned i = 0; i < s->k; i++)
        if (r->present[i])
            code->picked[sources++] = shards[i];
    for (unsigned row = 0; sources && row < r->lost_count; row += LM_C16_DENSE_ROWS) {
        struct lm_c16_cauchy p = {.row_point = r->used + row,
                                  .row_log = no_log,
                                  .source_point = r->source_point,
                                  .source_log = r->source_log,
                                  .rows = LM_MIN(r->lost_count - row, LM_C16_DENSE_ROWS),
                                  .sources = sources};
        lm_c16_dense(code, &p, code->picked, code->row + row, size_bytes, true);
    }
    solve_dense(code, r, (const uint8_t *const *)code->row, shards, size_bytes);
}

/* Sigma: what of the used parity the present data does not account for. */
static void find_sigma(struct lm_code16 *code, const struct lm_c16_shape *s,
                       uint8_t *const shards[], size_t size_bytes)
{
    const struct lm_c16_repair *r = &code->repair;
    contribute(code, s, size_bytes);
    for (unsigned i = 0; i < r->lost_count; i++)
        add_bytes(code->row[i], shards[s->k + r->used[i]], size_bytes);
}

static void repair_mixed(struct lm_code16 *code, const struct lm_c16_shape *s,
                         uint8_t *const shards[], size_t size_bytes)
{
    find_sigma(code, s, shards, size_bytes);
    solve_dense(code, &code->repair, (const uint8_t *const *)code->row, shards, size_bytes);
}

static void scale_row(const struct lm_code16 *code, uint8_t *row, uint16_t scale, size_t size_bytes)
{
    const uint8_t *const src[] = {row};
    struct lm_gf16_map map = {code->field, &scale, 1, 1, 1};
    struct lm_gf_rows rows = {.src = src, .dst = &row, .size_bytes = size_bytes};
    code->kernel->apply(&map, &rows, false);
}

/* The coefficients of Lambda * sigma. */
static void interpolate(struct lm_code16 *code, const struct lm_c16_columns *c)
{
    const struct lm_c16_repair *r = &code->repair;
    struct lm_c16_transform t;
    lm_c16_transform_init(&t, code, r->log_size);
    lm_c16_transform_place(&t, code, c);
    t.base = r->first;
    t.rows = r->used[r->lost_count - 1] - r->first + 1u;
    t.src = (const uint8_t *const *)code->wanted + (r->first - r->sum_first);
    t.src_at = c->at;
    lm_c16_inverse(&t);
}

/* The values at the lost data's points, block by block. */
static void evaluate(struct lm_code16 *code, const struct lm_c16_shape *s, uint8_t *const shards[],
                     const struct lm_c16_columns *c)
{
    const struct lm_c16_repair *r = &code->repair;
    unsigned size = 1u << r->log_size;
    struct lm_c16_transform t;
    lm_c16_transform_init(&t, code, r->log_size);
    lm_c16_transform_place(&t, code, c);
    t.dst = code->dst;
    t.dst_at = c->at;
    memset(code->dst, 0, size * sizeof code->dst[0]);
    for (unsigned i = 0, end; i < r->lost_count; i = end) {
        unsigned block = r->lost[i] / size * size;
        for (end = i; end < r->lost_count && r->lost[end] < block + size; end++)
            code->dst[r->lost[end] - block] = shards[r->lost[end]];
        t.base = s->slots + block;
        lm_c16_forward(&t);
        for (; i < end; i++)
            code->dst[r->lost[i] - block] = NULL;
    }
}

static void repair_by_transforms(struct lm_code16 *code, const struct lm_c16_shape *s,
                                 uint8_t *const shards[], size_t size_bytes)
{
    const struct lm_c16_repair *r = &code->repair;
    struct lm_c16_columns c = {0};
    find_sigma(code, s, shards, size_bytes);
    for (unsigned i = 0; i < r->lost_count; i++)
        scale_row(code, code->row[i], r->sigma_scale[i], size_bytes);
    while (lm_c16_next_columns(&c, lm_c16_columns(1u << r->log_size), size_bytes)) {
        interpolate(code, &c);
        evaluate(code, s, shards, &c);
    }
    for (unsigned i = 0; i < r->lost_count; i++)
        scale_row(code, shards[r->lost[i]], r->lost_scale[i], size_bytes);
}

static void repair_rows(struct lm_code16 *code, const struct lm_c16_shape *s,
                        uint8_t *const shards[], size_t size_bytes)
{
    for (unsigned i = 0; i < s->k; i++)
        code->src[i] = code->repair.present[i] ? shards[i] : NULL;
    switch (code->repair.method) {
    case LM_CODE16_DENSE:
        repair_dense(code, s, shards, size_bytes);
        break;
    case LM_CODE16_MIXED:
        repair_mixed(code, s, shards, size_bytes);
        break;
    default:
        repair_by_transforms(code, s, shards, size_bytes);
    }
}

static void prepare(struct lm_code16 *code, const struct lm_c16_shape *s)
{
    struct lm_c16_repair *r = &code->repair;
    find_block(r, s);
    lm_c16_choose(code, s);
    r->sum_first = r->first >> r->log_sum << r->log_sum;
    pick_parity(r, s, r->method == LM_CODE16_DENSE ? 0 : r->first);
    if (r->method == LM_CODE16_DENSE)
        prepare_sources(code, s, r);
    if (r->method == LM_CODE16_TRANSFORM)
        prepare_locator(code, s, r);
    else
        prepare_solve(code, s, r);
}

/* What the tail block of each shard holds: the first `count` are sent, if present. */
static void repair_tails(struct lm_code16 *code, const struct lm_c16_shape *s,
                         uint8_t *const shards[], size_t tail)
{
    const struct lm_c16_repair *r = &code->repair;
    size_t body = s->size_bytes - tail;
    for (unsigned i = 0; i < s->k + s->m; i++)
        if (r->present[i])
            lm_c16_tail_pad(code->tail[i], shards[i] + body, tail);
    repair_rows(code, s, code->tail, LM_C16_BLOCK);
    for (unsigned i = 0; i < r->lost_count; i++)
        lm_c16_tail_unpad(shards[r->lost[i]] + body, code->tail[r->lost[i]], tail);
}

int lm_code16_decode(struct lm_code16 *code, unsigned k, unsigned m, uint8_t *const shards[],
                     const uint8_t *present, size_t shard_bytes)
{
    struct lm_c16_shape s;
    size_t tail = shard_bytes % LM_C16_BLOCK, body = shard_bytes - tail;
    code->adding = false;
    if (lm_code16_check(code, k, m, shard_bytes))
        return LM_EINVAL;
    lm_c16_shape_init(&s, k, m, shard_bytes);
    if (!find_lost(&code->repair, &s, present))
        return LM_ENOENT;
    if (code->repair.lost_count == 0)
        return 0;
    prepare(code, &s);
    if (body)
        repair_rows(code, &s, shards, body);
    if (tail)
        repair_tails(code, &s, shards, tail);
    return (int)code->repair.lost_count;
}
