/* The shape of the kernels whose vectors hold half a block or less: the low bytes and the high
 * bytes of some words lie in two vectors. Two levels of four rows stay in registers; more levels
 * take two passes over a piece of the rows that fits the innermost cache. The file that includes
 * this defines VECTOR_BYTES, GROUP_ROWS (of a dense product at a time) and
 *   vector, vector_load(p), vector_store(p, v), vector_zero(), add(a, b)
 *   struct operand, operand_of(v)                 a vector, ready to be multiplied
 *   table, TABLES, FORMED_TABLES, FORM            a map of bytes; the field's members for it
 *   struct constant, constant_of(const table *)   a map, ready to be used
 *   add_product(sum, operand, constant)
 *   table_add(table *sum, const table *a, const table *b) */
#include "core/base/check.h"
#include "core/dsp/gf16_levels.h"
#include "core/dsp/gf16_tables.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    BLOCK = LM_GF16_BLOCK_BYTES,
    HALF = BLOCK / 2,
    MAX_ROWS = LM_BUTTERFLY_MAX_ROWS,
    PIECE_BYTES = 8 * BLOCK,
    CONSTANTS = 64, /* of a dense product at a time */
};

/* Some words: low bytes, high bytes. */
struct words {
    vector low, high;
};

struct factor {
    bool is_wide;
    const table *part[LM_GF16_PARTS];
};

/* Of a narrow factor the first part alone is used where that is known. */
struct constants {
    struct constant part[LM_GF16_PARTS];
};

struct operands {
    struct operand low, high;
};

INLINE struct words load(const uint8_t *p)
{
    return (struct words){vector_load(p), vector_load(p + HALF)};
}

INLINE void store(uint8_t *p, struct words w)
{
    vector_store(p, w.low);
    vector_store(p + HALF, w.high);
}

INLINE struct words zero_words(void)
{
    return (struct words){vector_zero(), vector_zero()};
}

INLINE struct words add_words(struct words a, struct words b)
{
    return (struct words){add(a.low, b.low), add(a.high, b.high)};
}

INLINE struct operands operands_of(struct words w)
{
    return (struct operands){operand_of(w.low), operand_of(w.high)};
}

INLINE struct words add_narrow(struct words sum, struct operands o, struct constant c)
{
    return (struct words){add_product(sum.low, o.low, c), add_product(sum.high, o.high, c)};
}

INLINE struct words add_wide(struct words sum, struct operands o, const struct constants *c)
{
    sum.low = add_product(sum.low, o.low, c->part[LM_LOW_LOW]);
    sum.high = add_product(sum.high, o.low, c->part[LM_LOW_HIGH]);
    sum.low = add_product(sum.low, o.high, c->part[LM_HIGH_LOW]);
    sum.high = add_product(sum.high, o.high, c->part[LM_HIGH_HIGH]);
    return sum;
}

INLINE struct constants constants_of(const struct factor *f, const bool wide)
{
    struct constants c = {{constant_of(f->part[0])}};
    if (wide) {
        c.part[1] = constant_of(f->part[1]);
        c.part[2] = constant_of(f->part[2]);
        c.part[3] = constant_of(f->part[3]);
    }
    return c;
}

static struct factor factor_of(const struct lm_gf_field *field, uint16_t t)
{
    struct factor f = {.is_wide = t > 255};
    uint8_t part[LM_GF16_PARTS];
    lm_gf16_parts(field, t, part);
    for (unsigned i = 0; i < LM_GF16_PARTS; i++)
        f.part[i] = &field->TABLES[part[i]];
    return f;
}

#define EACH_WORDS(at, size_bytes)                                                                 \
    for (size_t block_ = 0; block_ < (size_bytes); block_ += BLOCK)                                \
        for (size_t at = block_; at < block_ + HALF; at += VECTOR_BYTES)

/* Four rows through two levels, or two through one. */
struct pass {
    const uint8_t *in[4];
    uint8_t *out[4];
    bool in_between, out_between; /* rows of a piece only, else of the whole length */
    unsigned rows;
    /* Of the higher level or the only one; of rows 0 and 1; of rows 2 and 3. */
    const struct factor *f[3];
};

INLINE void butterfly(struct words *lower, struct words *upper, const struct constants *c,
                      const bool wide, const bool forward)
{
    if (!forward)
        *upper = add_words(*upper, *lower);
    struct operands o = operands_of(*upper);
    *lower = wide ? add_wide(*lower, o, c) : add_narrow(*lower, o, c->part[0]);
    if (forward)
        *upper = add_words(*upper, *lower);
}

INLINE void two_rows(const struct pass *p, size_t size_bytes, const bool wide, const bool forward)
{
    const struct constants c = constants_of(p->f[0], wide);
    EACH_WORDS(at, size_bytes)
    {
        struct words v = load(p->in[0] + at), w = load(p->in[1] + at);
        butterfly(&v, &w, &c, wide, forward);
        store(p->out[0] + at, v);
        store(p->out[1] + at, w);
    }
}

INLINE void four_rows(const struct pass *p, size_t size_bytes, const bool low_wide,
                      const bool high_wide, const bool forward)
{
    const struct constants c0 = constants_of(p->f[0], high_wide);
    const struct constants c1 = constants_of(p->f[1], low_wide);
    const struct constants c2 = constants_of(p->f[2], low_wide);
    EACH_WORDS(at, size_bytes)
    {
        struct words v0 = load(p->in[0] + at), v1 = load(p->in[1] + at);
        struct words v2 = load(p->in[2] + at), v3 = load(p->in[3] + at);
        if (forward) {
            butterfly(&v0, &v2, &c0, high_wide, true);
            butterfly(&v1, &v3, &c0, high_wide, true);
        }
        butterfly(&v0, &v1, &c1, low_wide, forward);
        butterfly(&v2, &v3, &c2, low_wide, forward);
        if (!forward) {
            butterfly(&v0, &v2, &c0, high_wide, false);
            butterfly(&v1, &v3, &c0, high_wide, false);
        }
        store(p->out[0] + at, v0);
        store(p->out[1] + at, v1);
        store(p->out[2] + at, v2);
        store(p->out[3] + at, v3);
    }
}

/* The piece at byte `at`. */
INLINE void run(const struct pass *pass, size_t at, size_t size_bytes, const bool forward)
{
    struct pass p = *pass; /* which no store can change */
    bool high_wide = p.f[0]->is_wide, low_wide = p.f[1]->is_wide || p.f[2]->is_wide;
    for (unsigned r = 0; r < 4; r++) {
        p.in[r] += p.in_between ? 0 : at;
        p.out[r] += p.out_between ? 0 : at;
    }
    if (p.rows == 2)
        two_rows(&p, size_bytes, true, forward);
    else if (high_wide)
        four_rows(&p, size_bytes, true, true, forward);
    else if (low_wide)
        four_rows(&p, size_bytes, true, false, forward);
    else
        four_rows(&p, size_bytes, false, false, forward);
}

static void run_inverse(const struct pass *p, size_t at, size_t size_bytes)
{
    run(p, at, size_bytes, false);
}

static void run_forward(const struct pass *p, size_t at, size_t size_bytes)
{
    run(p, at, size_bytes, true);
}

/* Rows that need more than butterflies on their way in or out pass through `between`. */
struct stage {
    const struct lm_gf_rows *rows;
    unsigned levels, passes;
    bool forward, special_in, special_out, add;
    const table *form_in, *form_out; /* NULL: the form stays */
    const struct factor *scale;      /* NULL: none */
    struct factor factor[MAX_ROWS - 1];
    struct pass pass[MAX_ROWS / 2];
    _Alignas(BLOCK) uint8_t between[MAX_ROWS][PIECE_BYTES];
};

INLINE struct words change_form(struct words w, const table *form)
{
    w.low = add_product(w.low, operand_of(w.high), constant_of(form));
    return w;
}

static void bring_row(struct stage *s, size_t r, size_t piece_at, size_t size_bytes)
{
    const uint8_t *src = s->rows->src[r * s->rows->stride];
    src = src ? src + s->rows->src_at + piece_at : NULL;
    EACH_WORDS(at, size_bytes)
    {
        struct words w = src ? load(src + at) : zero_words();
        store(s->between[r] + at, s->form_in ? change_form(w, s->form_in) : w);
    }
}

static void send_row(struct stage *s, size_t r, size_t piece_at, size_t size_bytes)
{
    uint8_t *dst = s->rows->dst[r * s->rows->stride];
    if (!dst)
        return;
    dst += s->rows->dst_at + piece_at;
    EACH_WORDS(at, size_bytes)
    {
        struct words w = load(s->between[r] + at);
        if (s->scale) {
            struct constants c = constants_of(s->scale, true);
            w = add_wide(zero_words(), operands_of(w), &c);
        }
        w = s->form_out ? change_form(w, s->form_out) : w;
        store(dst + at, s->add ? add_words(w, load(dst + at)) : w);
    }
}

/* Appends the passes of one or two levels. */
static void plan_levels(struct stage *s, unsigned level, unsigned count)
{
    bool lowest = level == 0, highest = level + count == s->levels;
    unsigned top = level + count - 1;
    for (size_t row = 0; row < 1u << s->levels; row++) {
        if (row >> level & ((1u << count) - 1))
            continue;
        struct pass *p = &s->pass[s->passes++];
        p->in_between = s->special_in || !(s->forward ? highest : lowest);
        p->out_between = s->special_out || !(s->forward ? lowest : highest);
        p->rows = 1u << count;
        for (size_t i = 0; i < 4; i++) {
            size_t r = row + ((i & ((1u << count) - 1)) << level), at = r * s->rows->stride;
            p->in[i] = p->in_between ? s->between[r] : s->rows->src[at] + s->rows->src_at;
            p->out[i] = p->out_between ? s->between[r] : s->rows->dst[at] + s->rows->dst_at;
        }
        p->f[0] = &s->factor[(1u << (s->levels - 1 - top)) - 1 + (row >> (top + 1))];
        p->f[1] = &s->factor[(1u << (s->levels - 1 - level)) - 1 + (row >> (level + 1))];
        p->f[2] = p->f[1] + (count - 1);
    }
}

static void plan(struct stage *s)
{
    unsigned low = LM_MIN(s->levels, 2u), high = s->levels - low;
    s->passes = 0;
    if (s->forward && high)
        plan_levels(s, low, high);
    plan_levels(s, 0, low);
    if (!s->forward && high)
        plan_levels(s, low, high);
}

static void run_piece(struct stage *s, size_t at, size_t size_bytes)
{
    for (size_t r = 0; s->special_in && r < 1u << s->levels; r++)
        bring_row(s, r, at, size_bytes);
    for (unsigned i = 0; i < s->passes; i++)
        if (s->forward)
            run_forward(&s->pass[i], at, size_bytes);
        else
            run_inverse(&s->pass[i], at, size_bytes);
    for (size_t r = 0; s->special_out && r < 1u << s->levels; r++)
        send_row(s, r, at, size_bytes);
}

/* One set of rows. */
static void run_set(struct stage *s, const struct lm_gf_rows *rows)
{
    s->rows = rows;
    s->special_in = s->form_in;
    s->special_out = s->form_out || s->scale || s->add;
    for (size_t r = 0; r < 1u << s->levels; r++) {
        s->special_in |= !rows->src[r * rows->stride];
        s->special_out |= !rows->dst[r * rows->stride];
    }
    plan(s);
    for (size_t at = 0; at < rows->size_bytes; at += PIECE_BYTES)
        run_piece(s, at, LM_MIN(rows->size_bytes - at, (size_t)PIECE_BYTES));
}

static void butterflies(const struct lm_butterflies *b, const struct lm_gf_rows *rows, bool forward,
                        bool add_to_dst)
{
    struct stage s;
    struct factor scale = factor_of(b->field, b->scale);
    struct lm_gf_rows set = *rows;
    s.levels = b->levels;
    s.forward = forward;
    s.add = add_to_dst;
    s.scale = !forward && b->scale != 1 ? &scale : NULL;
    s.form_in = b->tower_src ? NULL : &b->field->FORM;
    s.form_out = b->tower_dst ? NULL : &b->field->FORM;
    for (unsigned i = 0; i < (1u << b->levels) - 1; i++)
        s.factor[i] = factor_of(b->field, b->twiddle[i]);
    for (size_t q = 0; q == 0 || q < rows->stripes; q++, set.src++, set.dst++)
        run_set(&s, &set);
}

/* Some rows of a dense product and some of its sources. The factors take words in plain form, and
 * the sums are in tower form. */
struct part {
    const uint8_t *src[CONSTANTS];
    uint8_t *dst[GROUP_ROWS];
    unsigned sources;
    bool add;
    const table *form;
    table factor[CONSTANTS][LM_GF16_PARTS]; /* [source][row] */
};

static void expand(struct part *p, const struct lm_gf16_map *map, const uint16_t *coefficients,
                   unsigned rows)
{
    const struct lm_gf_field *field = map->field;
    table(*factor)[LM_GF16_PARTS] = p->factor;
    for (unsigned i = 0; i < p->sources; i++, coefficients += map->stride)
        for (unsigned r = 0; r < rows; r++, factor++) {
            uint8_t part[LM_GF16_PARTS];
            lm_gf16_parts(field, coefficients[r], part);
            memcpy(&(*factor)[LM_LOW_LOW], &field->TABLES[part[LM_LOW_LOW]], sizeof(table));
            memcpy(&(*factor)[LM_LOW_HIGH], &field->TABLES[part[LM_LOW_HIGH]], sizeof(table));
            table_add(&(*factor)[LM_HIGH_LOW], &field->TABLES[part[LM_HIGH_LOW]],
                      &field->FORMED_TABLES[part[LM_LOW_LOW]]);
            table_add(&(*factor)[LM_HIGH_HIGH], &field->TABLES[part[LM_HIGH_HIGH]],
                      &field->FORMED_TABLES[part[LM_LOW_HIGH]]);
        }
}

INLINE void tile(const struct part *p, const unsigned rows, size_t at)
{
    struct words sum[GROUP_ROWS];
    const table(*factor)[LM_GF16_PARTS] = (const table(*)[LM_GF16_PARTS])p->factor;
    for (unsigned r = 0; r < rows; r++)
        sum[r] = zero_words();
    for (unsigned i = 0; i < p->sources; i++, factor += rows) {
        struct operands o = operands_of(load(p->src[i] + at));
        for (unsigned r = 0; r < rows; r++) {
            const struct constants c = {{constant_of(&factor[r][0]), constant_of(&factor[r][1]),
                                         constant_of(&factor[r][2]), constant_of(&factor[r][3])}};
            sum[r] = add_wide(sum[r], o, &c);
        }
    }
    for (unsigned r = 0; r < rows; r++) {
        struct words w = change_form(sum[r], p->form);
        store(p->dst[r] + at, p->add ? add_words(w, load(p->dst[r] + at)) : w);
    }
}

INLINE void tiles(const struct part *p, const unsigned rows, size_t size_bytes)
{
    EACH_WORDS(at, size_bytes)
    tile(p, rows, at);
}

/* Rows `row`.. of a dense product; 1 or GROUP_ROWS of them. */
static void group(struct part *p, const struct lm_gf16_map *map, const struct lm_gf_rows *at,
                  unsigned row, unsigned rows)
{
    const unsigned most = CONSTANTS / rows;
    for (unsigned r = 0; r < rows; r++)
        p->dst[r] = at->dst[row + r] + at->dst_at;
    for (unsigned first = 0; first < map->sources; first += most) {
        p->sources = LM_MIN(map->sources - first, most);
        for (unsigned i = 0; i < p->sources; i++)
            p->src[i] = at->src[first + i] + at->src_at;
        expand(p, map, map->coefficients + (size_t)first * map->stride + row, rows);
        if (rows == GROUP_ROWS)
            tiles(p, GROUP_ROWS, at->size_bytes);
        else
            tiles(p, 1, at->size_bytes);
        p->add = true;
    }
}

INLINE void apply(const struct lm_gf16_map *map, const struct lm_gf_rows *at, bool add_to_dst)
{
    struct part p;
    unsigned rows;
    p.form = &map->field->FORM;
    for (unsigned row = 0; row < map->rows; row += rows) {
        rows = map->rows - row < GROUP_ROWS ? 1 : GROUP_ROWS;
        p.add = add_to_dst;
        group(&p, map, at, row, rows);
    }
}

#define LM_GF16_HALVES(level)                                                                      \
    void lm_gf16_inverse_##level(const struct lm_butterflies *b, const struct lm_gf_rows *rows,    \
                                 bool add_to_dst)                                                  \
    {                                                                                              \
        butterflies(b, rows, false, add_to_dst);                                                   \
    }                                                                                              \
    void lm_gf16_forward_##level(const struct lm_butterflies *b, const struct lm_gf_rows *rows)    \
    {                                                                                              \
        butterflies(b, rows, true, false);                                                         \
    }                                                                                              \
    void lm_gf16_apply_##level(const struct lm_gf16_map *map, const struct lm_gf_rows *rows,       \
                               bool add_to_dst)                                                    \
    {                                                                                              \
        apply(map, rows, add_to_dst);                                                              \
    }
