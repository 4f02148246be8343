/* The workspace, and encoding: the sum of the inverse transforms of each group of M data shards,
 * transformed at points 0 .. m - 1. */
#include "core/fec/code16_parts.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"

#include <stdlib.h>
#include <string.h>

enum { XOR_BATCH = 16 }; /* shards, of one parity shard that arrive one by one */

unsigned lm_c16_log_ceiling(unsigned n)
{
    return n <= 1 ? 0 : 32 - (unsigned)__builtin_clz(n - 1);
}

void lm_c16_shape_init(struct lm_c16_shape *s, unsigned k, unsigned m, size_t size_bytes)
{
    unsigned log_slots = lm_c16_log_ceiling(m);
    *s = (struct lm_c16_shape){k, m, 1u << log_slots, log_slots, size_bytes};
}

static bool is_code(unsigned k, unsigned m, size_t shard_bytes)
{
    return k >= 1 && m >= 1 && k < LM_CODE16_MAX_POINTS && m <= LM_CODE16_MAX_POINTS / 2 &&
           k + (1u << lm_c16_log_ceiling(m)) <= LM_CODE16_MAX_POINTS && shard_bytes >= 2 &&
           shard_bytes <= LM_CODE16_MAX_SHARD_BYTES && shard_bytes % 2 == 0;
}

/* Parts of one piece of memory; the first pass, without memory, finds its size. */
struct arena {
    uint8_t *memory;
    size_t used;
    bool overflow;
};

static void *carve(struct arena *a, size_t count, size_t size)
{
    size_t bytes, at = a->used;
    a->overflow |= __builtin_mul_overflow(count, size, &bytes) ||
                   __builtin_add_overflow(bytes, LM_C16_BLOCK - 1, &bytes);
    bytes &= ~(size_t)(LM_C16_BLOCK - 1);
    a->overflow |= __builtin_add_overflow(at, bytes, &a->used);
    return a->memory ? a->memory + at : NULL;
}

/* Rows an odd number of blocks apart, to spread over the sets of the caches. */
static void carve_rows(struct arena *a, uint8_t ***row, size_t rows, size_t columns)
{
    size_t stride = (columns | 1) * LM_C16_BLOCK;
    uint8_t *memory = carve(a, rows, stride);
    *row = carve(a, rows, sizeof **row);
    for (size_t i = 0; memory && i < rows; i++)
        (*row)[i] = memory + i * stride;
}

static void carve_repair(struct arena *a, struct lm_c16_repair *r, size_t k, size_t slots)
{
    uint16_t **const of_slots[] = {&r->lost,     &r->used,        &r->lost_point, &r->lost_log,
                                   &r->used_log, &r->sigma_scale, &r->lost_scale};
    for (size_t i = 0; i < LM_ARRAY_LEN(of_slots); i++)
        *of_slots[i] = carve(a, slots, sizeof(uint16_t));
    r->lost_sum = carve(a, slots, sizeof *r->lost_sum);
    r->used_sum = carve(a, slots, sizeof *r->used_sum);
    r->source_point = carve(a, k, sizeof(uint16_t));
    r->source_log = carve(a, k, sizeof(uint16_t));
}

static void carve_all(struct arena *a, struct lm_code16 *code)
{
    size_t k = code->limits.data, slots = (size_t)1 << lm_c16_log_ceiling(code->limits.parity);
    size_t points = (size_t)1 << lm_c16_log_ceiling((unsigned)(k + slots));
    size_t columns = (code->limits.shard_bytes + LM_C16_BLOCK - 1) / LM_C16_BLOCK;
    code->work = carve(a, columns, (slots + 1) * LM_C16_BLOCK);
    code->sum = carve(a, columns, (slots + 1) * LM_C16_BLOCK);
    carve_rows(a, &code->row, code->limits.parity, columns);
    code->src = carve(a, k, sizeof *code->src);
    code->picked = carve(a, LM_MAX(k, slots), sizeof *code->picked);
    code->dst = carve(a, slots, sizeof *code->dst);
    code->wanted = carve(a, slots, sizeof *code->wanted);
    code->tails = carve(a, k + slots, LM_C16_BLOCK);
    code->tail = carve(a, k + slots, sizeof *code->tail);
    code->locator.log_of = carve(a, points, sizeof *code->locator.log_of);
    code->locator.spectra = carve(a, 2 * points, sizeof *code->locator.spectra);
    carve_repair(a, &code->repair, k, slots);
}

int lm_code16_create(struct lm_code16 **out, const struct lm_code16_limits *limits)
{
    struct arena arena = {0};
    *out = NULL;
    if (!is_code(limits->data, limits->parity, limits->shard_bytes))
        return LM_EINVAL;
    struct lm_code16 *code = calloc(1, sizeof *code);
    if (!code)
        return LM_ENOMEM;
    code->limits = *limits;
    carve_all(&arena, code);
    if (!arena.overflow)
        arena.memory = code->memory = aligned_alloc(LM_C16_BLOCK, arena.used);
    if (!code->memory) {
        lm_code16_destroy(code);
        return LM_ENOMEM;
    }
    arena.used = 0;
    carve_all(&arena, code);
    for (unsigned i = 0; i < limits->data + limits->parity; i++)
        code->tail[i] = code->tails + (size_t)i * LM_C16_BLOCK;
    code->kernel = lm_gf16_kernel(lm_cpu_flags());
    code->field = lm_gf16_field();
    code->log_table = code->locator.log_table = lm_gf16_log_table();
    code->exp_table = lm_gf16_exp_table();
    code->method = LM_CODE16_AUTO;
    *out = code;
    return 0;
}

void lm_code16_destroy(struct lm_code16 *code)
{
    if (!code)
        return;
    free(code->memory);
    free(code);
}

void lm_code16_set_method(struct lm_code16 *code, enum lm_code16_method method)
{
    code->method = method;
}

int lm_code16_check(const struct lm_code16 *code, unsigned k, unsigned m, size_t shard_bytes)
{
    const struct lm_code16_limits *l = &code->limits;
    return k <= l->data && m <= l->parity && shard_bytes <= l->shard_bytes &&
                   is_code(k, m, shard_bytes)
               ? 0
               : LM_EINVAL;
}

/* The inverse transform of group `group` of `rows` rows of src. */
static void group_init(struct lm_c16_transform *t, const struct lm_code16 *code,
                       const struct lm_c16_shape *s, unsigned group, unsigned rows,
                       const struct lm_c16_columns *c)
{
    lm_c16_transform_init(t, code, s->log_slots);
    lm_c16_transform_place(t, code, c);
    t->base = s->slots * (group + 1);
    t->src_at = c->at;
    t->rows = rows;
    t->add = group > 0;
}

/* Parity from the sum of all groups. */
static void sum_to_parity(struct lm_code16 *code, const struct lm_c16_shape *s,
                          const struct lm_c16_columns *c)
{
    struct lm_c16_transform t;
    lm_c16_transform_init(&t, code, s->log_slots);
    lm_c16_transform_place(&t, code, c);
    t.work = t.area;
    t.dst = code->dst;
    t.dst_at = c->at;
    lm_c16_forward(&t);
}

static void set_parity(struct lm_code16 *code, const struct lm_c16_shape *s,
                       uint8_t *const parity[])
{
    memcpy(code->dst, parity, s->m * sizeof parity[0]);
    memset(code->dst + s->m, 0, (s->slots - s->m) * sizeof parity[0]);
}

static void encode_rows(struct lm_code16 *code, const struct lm_c16_shape *s,
                        const uint8_t *const data[], uint8_t *const parity[], size_t size_bytes)
{
    struct lm_c16_columns c = {0};
    if (s->slots == 1) {
        lm_c16_xor(code, data, s->k, parity[0], 0, size_bytes, false);
        return;
    }
    set_parity(code, s, parity);
    while (lm_c16_next_columns(&c, lm_c16_columns(s->slots), size_bytes)) {
        for (unsigned i = 0; i < s->k; i += s->slots) {
            struct lm_c16_transform t;
            group_init(&t, code, s, i / s->slots, LM_MIN(s->slots, s->k - i), &c);
            t.src = data + i;
            lm_c16_inverse(&t);
        }
        sum_to_parity(code, s, &c);
    }
}

int lm_code16_encode(struct lm_code16 *code, unsigned k, unsigned m, const uint8_t *const data[],
                     uint8_t *const parity[], size_t shard_bytes)
{
    struct lm_c16_shape s;
    size_t tail = shard_bytes % LM_C16_BLOCK, body = shard_bytes - tail;
    code->adding = false;
    if (lm_code16_check(code, k, m, shard_bytes))
        return LM_EINVAL;
    lm_c16_shape_init(&s, k, m, shard_bytes);
    if (body)
        encode_rows(code, &s, data, parity, body);
    if (!tail)
        return 0;
    for (unsigned i = 0; i < k; i++)
        lm_c16_tail_pad(code->tail[i], data[i] + body, tail);
    encode_rows(code, &s, (const uint8_t *const *)code->tail, code->tail + k, LM_C16_BLOCK);
    for (unsigned j = 0; j < m; j++)
        lm_c16_tail_unpad(parity[j] + body, code->tail[k + j], tail);
    return 0;
}

int lm_code16_begin(struct lm_code16 *code, unsigned k, unsigned m, size_t shard_bytes)
{
    code->adding = false;
    if (lm_code16_check(code, k, m, shard_bytes))
        return LM_EINVAL;
    lm_c16_shape_init(&code->shape, k, m, shard_bytes);
    code->adding = true;
    code->added = 0;
    code->add_step = XOR_BATCH;
    if (code->shape.slots > 1) {
        struct lm_c16_transform t;
        lm_c16_transform_init(&t, code, code->shape.log_slots);
        code->add_step = lm_c16_inverse_step(&t);
    }
    return 0;
}

/* Of one parity shard, these columns. */
static uint8_t *xor_sum(const struct lm_code16 *code, const struct lm_c16_columns *c)
{
    return code->row[0] + (size_t)c->first * LM_C16_BLOCK;
}

/* What can be done with one range of columns, now that `upto` shards of src are there; all of it
 * when `last`. */
static void add_columns(struct lm_code16 *code, const uint8_t *const src[],
                        const struct lm_c16_columns *c, unsigned upto, bool last)
{
    const struct lm_c16_shape *s = &code->shape;
    struct lm_c16_transform t;
    unsigned group = (upto - 1) / s->slots, rows = upto - group * s->slots;
    if (c->count == 0)
        return;
    if (s->slots == 1) {
        unsigned first = last ? upto / XOR_BATCH * XOR_BATCH : upto - XOR_BATCH;
        if (first < upto)
            lm_c16_xor(code, src + first, upto - first, xor_sum(code, c), c->at,
                       (size_t)c->count * LM_C16_BLOCK, first > 0);
        return;
    }
    group_init(&t, code, s, group, last ? rows : s->slots, c);
    t.src = src + group * s->slots;
    unsigned step = lm_c16_inverse_step(&t);
    if (!last)
        lm_c16_inverse_upto(&t, rows);
    for (unsigned i = rows / step * step + step; last && i <= s->slots; i += step)
        lm_c16_inverse_upto(&t, i);
}

/* The shards' columns in whole blocks, and their tails, which are kept as a block each. */
static struct lm_c16_columns body_of(const struct lm_c16_shape *s)
{
    return (struct lm_c16_columns){.count = (unsigned)(s->size_bytes / LM_C16_BLOCK)};
}

static struct lm_c16_columns tail_of(const struct lm_c16_shape *s)
{
    unsigned body = (unsigned)(s->size_bytes / LM_C16_BLOCK);
    return (struct lm_c16_columns){.first = body, .count = s->size_bytes % LM_C16_BLOCK ? 1 : 0};
}

static void advance(struct lm_code16 *code, bool last)
{
    struct lm_c16_columns body = body_of(&code->shape), tail = tail_of(&code->shape);
    add_columns(code, code->src, &body, code->added, last);
    add_columns(code, (const uint8_t *const *)code->tail, &tail, code->added, last);
}

int lm_code16_add(struct lm_code16 *code, const uint8_t *shard)
{
    const struct lm_c16_shape *s = &code->shape;
    size_t tail = s->size_bytes % LM_C16_BLOCK;
    if (!code->adding || code->added >= s->k)
        return LM_EINVAL;
    code->src[code->added] = shard;
    if (tail)
        lm_c16_tail_pad(code->tail[code->added], shard + s->size_bytes - tail, tail);
    code->added++;
    if (code->added % code->add_step == 0)
        advance(code, false);
    return 0;
}

int lm_code16_finish(struct lm_code16 *code, uint8_t *const parity[])
{
    const struct lm_c16_shape *s = &code->shape;
    struct lm_c16_columns body = body_of(s), tail = tail_of(s);
    if (!code->adding || code->added != s->k)
        return LM_EINVAL;
    code->adding = false;
    advance(code, true);
    size_t body_bytes = (size_t)body.count * LM_C16_BLOCK;
    if (s->slots == 1) {
        memcpy(parity[0], xor_sum(code, &body), body_bytes);
        memcpy(code->tail[s->k], xor_sum(code, &tail), (size_t)tail.count * LM_C16_BLOCK);
    } else {
        set_parity(code, s, parity);
        if (body.count)
            sum_to_parity(code, s, &body);
        set_parity(code, s, code->tail + s->k);
        if (tail.count)
            sum_to_parity(code, s, &tail);
    }
    for (unsigned j = 0; tail.count && j < s->m; j++)
        lm_c16_tail_unpad(parity[j] + body_bytes, code->tail[s->k + j], s->size_bytes - body_bytes);
    return 0;
}
