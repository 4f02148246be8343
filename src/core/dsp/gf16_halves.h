/* The shape of the kernels whose vectors hold half a block or less: the low bytes and the high
 * bytes of some words lie in two vectors. Two levels of four rows stay in registers, or three
 * narrow ones of eight; more levels take two passes over a piece of the rows that fits the
 * innermost cache. The file that includes
 * this defines VECTOR_BYTES, GROUP_ROWS (of a dense product at a time), BOTH_HALVES_ROWS (so many
 * rows have both halves in registers at once) and
 *   vector, vector_load(p), vector_store(p, v), vector_zero(), add(a, b)
 *   struct operand, operand_of(v)                 a vector, ready to be multiplied
 *   operand_add(a, b)
 *   table, TABLES, FORMED_TABLES, FORM            a map of bytes; the field's members for it
 *   struct constant, constant_of(const table *)   a map, ready to be used
 *   product(operand, constant), add_product(sum, operand, constant)
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
    PIECE_BYTES = 16 * BLOCK,
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

/* Three products instead of four: t1 low + (t0 + t1) high = (t0 + t1)(low + high) + t0 low. */
INLINE struct words add_wide(struct words sum, struct operands o, const struct constants *c)
{
    vector both = product(o.low, c->part[LM_LOW_LOW]);
    sum.low = add_product(add(sum.low, both), o.high, c->part[LM_HIGH_LOW]);
    sum.high = add_product(add(sum.high, both), operand_add(o.low, o.high), c->part[LM_HIGH_HIGH]);
    return sum;
}

INLINE struct constants constants_of(const struct factor *f, const bool wide)
{
    struct constants c = {{[LM_LOW_LOW] = constant_of(f->part[LM_LOW_LOW])}};
    if (wide) {
        c.part[LM_HIGH_LOW] = constant_of(f->part[LM_HIGH_LOW]);
        c.part[LM_HIGH_HIGH] = constant_of(f->part[LM_HIGH_HIGH]);
    }
    return c;
}

static struct factor factor_of(const struct lm_gf_field *field, uint16_t t)
{
    struct factor f = {.is_wide = t > 255};
    uint8_t part[LM_GF16_PARTS] = {[LM_LOW_LOW] = (uint8_t)t, [LM_HIGH_HIGH] = (uint8_t)t};
    if (f.is_wide)
        lm_gf16_parts(field, t, part);
    for (unsigned i = 0; i < LM_GF16_PARTS; i++)
        f.part[i] = &field->TABLES[part[i]];
    return f;
}

#define EACH_WORDS(at, size_bytes)                                                                 \
    for (size_t block_ = 0; block_ < (size_bytes); block_ += BLOCK)                                \
        for (size_t at = block_; at < block_ + HALF; at += VECTOR_BYTES)

/* What a pass does besides butterflies. */
enum edge { PLAIN_IN = 1, PLAIN_OUT = 2, ADD_OUT = 4 };

enum { PASS_ROWS = 8 };

/* Both levels wide, or the lower one only. */
enum kind { WIDE_ROWS_2 = 1, WIDE_ROWS_4, MIXED_ROWS_4 };

struct row_in {
    const uint8_t *at;
    size_t keep; /* SIZE_MAX: of the whole length; 0: of a piece only */
};

struct row_out {
    uint8_t *at;
    size_t keep;
};

/* One to three levels of butterflies on 2, 4 or 8 rows; those on 8 are narrow. */
struct pass {
    void (*run)(const struct pass *p, size_t at, size_t size_bytes);
    struct row_in in[PASS_ROWS];
    struct row_out out[PASS_ROWS];
    bool first, last;
    unsigned rows, row, distance;          /* that many, from that one on, that far apart */
    const struct factor *f[PASS_ROWS - 1]; /* from the highest level down */
    const table *form;
};

/* Its rows at a piece, in variables that no store can change. */
struct places {
    const uint8_t *in[PASS_ROWS];
    uint8_t *out[PASS_ROWS];
};

/* The body of a loop over up to 8, for constant r: vectors must not be indexed by variables. */
#define EACH_ROW(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)

INLINE void narrow_butterfly(vector *lower, vector *upper, struct constant c, const bool forward)
{
    if (!forward)
        *upper = add(*upper, *lower);
    *lower = add_product(*lower, operand_of(*upper), c);
    if (forward)
        *upper = add(*upper, *lower);
}

INLINE void narrow_level(vector *v, const struct constants *c, const unsigned rows,
                         const unsigned distance, const bool forward)
{
#define NARROW(r)                                                                                  \
    if ((r) < rows && !((r)&distance))                                                             \
        narrow_butterfly(&v[r], &v[(r) | distance],                                                \
                         c[rows / 2 / distance - 1 + (r) / 2 / distance].part[0], forward);
    EACH_ROW(NARROW)
}

INLINE void narrow_levels(vector *v, const struct constants *c, const unsigned rows,
                          const bool forward)
{
    if (forward && rows == 8)
        narrow_level(v, c, rows, 4, forward);
    if (forward && rows >= 4)
        narrow_level(v, c, rows, 2, forward);
    narrow_level(v, c, rows, 1, forward);
    if (!forward && rows >= 4)
        narrow_level(v, c, rows, 2, forward);
    if (!forward && rows == 8)
        narrow_level(v, c, rows, 4, forward);
}

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

INLINE void top_level(struct words *v, const struct constants *c, const bool wide,
                      const bool forward)
{
    butterfly(&v[0], &v[2], c, wide, forward);
    butterfly(&v[1], &v[3], c, wide, forward);
}

/* Of two rows or four. */
INLINE void mixed_levels(struct words *v, const struct constants *c, const unsigned rows,
                         const bool high_wide, const bool forward)
{
    if (rows == 4 && forward)
        top_level(v, c, high_wide, forward);
    butterfly(&v[0], &v[1], &c[rows / 2 - 1], true, forward);
    if (rows == 4)
        butterfly(&v[2], &v[3], &c[2], true, forward);
    if (rows == 4 && !forward)
        top_level(v, c, high_wide, forward);
}

INLINE struct words change_form(struct words w, struct constant form)
{
    w.low = add_product(w.low, operand_of(w.high), form);
    return w;
}

INLINE void finish(uint8_t *p, vector v, const unsigned edge)
{
    vector_store(p, edge & ADD_OUT ? add(v, vector_load(p)) : v);
}

INLINE struct places places_of(const struct pass *p, size_t at, const unsigned rows)
{
    struct places places;
#define PLACE(r)                                                                                   \
    if ((r) < rows) {                                                                              \
        places.in[r] = p->in[r].at + (at & p->in[r].keep);                                         \
        places.out[r] = p->out[r].at + (at & p->out[r].keep);                                      \
    }
    EACH_ROW(PLACE)
    return places;
}

/* Narrow factors act on each byte alone: the vectors of a block need not be in registers together.
 * Which half is first depends on what the other is needed for; not for both forms at once. */
INLINE void narrow_rows(const struct pass *p, size_t piece_at, size_t size_bytes,
                        const unsigned rows, const unsigned edge, const bool forward)
{
    struct constants c[PASS_ROWS - 1];
    const struct constant form = constant_of(p->form);
    const struct places row = places_of(p, piece_at, rows);
#define NARROW_CONSTANT(r)                                                                         \
    if ((r) + 1 < rows)                                                                            \
        c[(r) % (PASS_ROWS - 1)] = constants_of(p->f[(r) % (PASS_ROWS - 1)], false);
    EACH_ROW(NARROW_CONSTANT)
    const size_t first = edge & PLAIN_OUT ? HALF : 0, second = HALF - first;
    EACH_WORDS(at, size_bytes)
    {
        vector v[PASS_ROWS], w[PASS_ROWS];
#define LOAD_FIRST(r)                                                                              \
    if ((r) < rows)                                                                                \
        v[r] = vector_load(row.in[r] + at + first);
#define TOWER_IN(r)                                                                                \
    if (((r) < rows) && (edge & PLAIN_IN))                                                         \
        v[r] = add_product(v[r], operand_of(vector_load(row.in[r] + at + HALF)), form);
#define STORE_FIRST(r)                                                                             \
    if ((r) < rows)                                                                                \
        finish(row.out[r] + at + first, v[r], edge);
#define LOAD_SECOND(r)                                                                             \
    if ((r) < rows)                                                                                \
        w[r] = vector_load(row.in[r] + at + second);
/* Stores to one cache line, one after the other, take half the time. */
#define STORE_SECOND(r)                                                                            \
    if ((r) < rows) {                                                                              \
        w[r] = edge & PLAIN_OUT ? add_product(w[r], operand_of(v[r]), form) : w[r];                \
        if (rows <= BOTH_HALVES_ROWS)                                                              \
            finish(row.out[r] + at + first, v[r], edge);                                           \
        finish(row.out[r] + at + second, w[r], edge);                                              \
    }
        EACH_ROW(LOAD_FIRST)
        if (rows <= BOTH_HALVES_ROWS) {
            EACH_ROW(LOAD_SECOND)
        }
        EACH_ROW(TOWER_IN)
        narrow_levels(v, c, rows, forward);
        if (rows > BOTH_HALVES_ROWS) {
            EACH_ROW(STORE_FIRST)
            EACH_ROW(LOAD_SECOND)
        }
        narrow_levels(w, c, rows, forward);
        EACH_ROW(STORE_SECOND)
    }
}

/* Where the lower level or the only one is wide. */
INLINE void mixed_rows(const struct pass *p, size_t piece_at, size_t size_bytes,
                       const unsigned kind, const unsigned edge, const bool forward)
{
    const unsigned rows = kind == WIDE_ROWS_2 ? 2 : 4;
    const bool high_wide = kind != MIXED_ROWS_4;
    struct constants c[3];
    const struct constant form = constant_of(p->form);
    const struct places row = places_of(p, piece_at, rows);
    c[0] = constants_of(p->f[0], high_wide);
    if (rows == 4) {
        c[1] = constants_of(p->f[1], true);
        c[2] = constants_of(p->f[2], true);
    }
    EACH_WORDS(at, size_bytes)
    {
        struct words v[PASS_ROWS];
#define LOAD_WORDS(r)                                                                              \
    if ((r) < rows) {                                                                              \
        v[r] = load(row.in[r] + at);                                                               \
        v[r] = edge & PLAIN_IN ? change_form(v[r], form) : v[r];                                   \
    }
#define STORE_WORDS(r)                                                                             \
    if ((r) < rows) {                                                                              \
        v[r] = edge & PLAIN_OUT ? change_form(v[r], form) : v[r];                                  \
        finish(row.out[r] + at, v[r].low, edge);                                                   \
        finish(row.out[r] + at + HALF, v[r].high, edge);                                           \
    }
        EACH_ROW(LOAD_WORDS)
        mixed_levels(v, c, rows, high_wide, forward);
        EACH_ROW(STORE_WORDS)
    }
}

/* The piece at byte `at`. */
INLINE void run(const struct pass *p, size_t at, size_t size_bytes, const unsigned edge,
                const bool forward)
{
    const bool high_wide = p->f[0]->is_wide;
    const bool low_wide = p->rows == 4 && (p->f[1]->is_wide || p->f[2]->is_wide);
    if (p->rows == 8)
        narrow_rows(p, at, size_bytes, 8, edge, forward);
    else if (p->rows == 2 && high_wide)
        mixed_rows(p, at, size_bytes, WIDE_ROWS_2, edge, forward);
    else if (p->rows == 2)
        narrow_rows(p, at, size_bytes, 2, edge, forward);
    else if (high_wide)
        mixed_rows(p, at, size_bytes, WIDE_ROWS_4, edge, forward);
    else if (low_wide)
        mixed_rows(p, at, size_bytes, MIXED_ROWS_4, edge, forward);
    else
        narrow_rows(p, at, size_bytes, 4, edge, forward);
}

#define RUN(name, edge, forward)                                                                   \
    static __attribute__((noinline)) void name(const struct pass *p, size_t at, size_t size_bytes) \
    {                                                                                              \
        run(p, at, size_bytes, edge, forward);                                                     \
    }
RUN(run_inverse, 0, false)
RUN(run_inverse_in, PLAIN_IN, false)
RUN(run_inverse_add, ADD_OUT, false)
RUN(run_inverse_in_add, PLAIN_IN | ADD_OUT, false)
RUN(run_forward, 0, true)
RUN(run_forward_out, PLAIN_OUT, true)

/* What a pass cannot do on the way in or out is done in `between`, where rows have a piece. */
struct stage {
    const struct lm_gf_rows *rows;
    unsigned levels, passes, in_edge, out_edge;
    bool forward, add, slow_in, slow_out;
    const table *form, *form_in, *form_out; /* the last two NULL: the form stays */
    const struct factor *scale;             /* NULL: none */
    struct factor factor[MAX_ROWS - 1];
    struct pass pass[MAX_ROWS / 2];
    _Alignas(BLOCK) uint8_t between[MAX_ROWS][PIECE_BYTES];
    _Alignas(BLOCK) uint8_t sink[PIECE_BYTES]; /* for rows that nobody wants */
};

static _Alignas(BLOCK) const uint8_t zeros[PIECE_BYTES];

static void bring_row(struct stage *s, size_t r, size_t piece_at, size_t size_bytes)
{
    const uint8_t *src = s->rows->src[r * s->rows->stride];
    const struct constant form = constant_of(s->form);
    src = src ? src + s->rows->src_at + piece_at : zeros;
    EACH_WORDS(at, size_bytes)
    store(s->between[r] + at, change_form(load(src + at), form));
}

static void send_row(struct stage *s, size_t r, size_t piece_at, size_t size_bytes)
{
    uint8_t *dst = s->rows->dst[r * s->rows->stride];
    const struct constant form = constant_of(s->form);
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
        w = s->form_out ? change_form(w, form) : w;
        store(dst + at, s->add ? add_words(w, load(dst + at)) : w);
    }
}

static void set_run(struct pass *p, unsigned edge, bool forward)
{
    if (forward)
        p->run = edge ? run_forward_out : run_forward;
    else if (edge & PLAIN_IN)
        p->run = edge & ADD_OUT ? run_inverse_in_add : run_inverse_in;
    else
        p->run = edge ? run_inverse_add : run_inverse;
}

/* Appends the passes of one to three levels, but for the places of rows outside `between`. */
static void plan_levels(struct stage *s, unsigned level, unsigned count)
{
    bool lowest = level == 0, highest = level + count == s->levels;
    const unsigned rows = 1u << count;
    for (unsigned row = 0; row < 1u << s->levels; row++) {
        if (row >> level & (rows - 1))
            continue;
        struct pass *p = &s->pass[s->passes++];
        p->first = s->forward ? highest : lowest;
        p->last = s->forward ? lowest : highest;
        p->rows = rows;
        p->row = row;
        p->distance = 1u << level;
        p->form = s->form;
        set_run(p, (p->first ? s->in_edge : 0) | (p->last ? s->out_edge : 0), s->forward);
        for (unsigned l = 0, f = 0; l < count; l++)
            for (unsigned i = 0; i < 1u << l; i++, f++) {
                unsigned at = level + count - 1 - l;
                p->f[f] = &s->factor[(1u << (s->levels - 1 - at)) - 1 + (row >> (at + 1)) + i];
            }
    }
}

/* Where rows lie before the passes, between them and after them. Between them a row lies where it
 * will be, if it can. */
struct set {
    struct row_in in[MAX_ROWS];
    struct row_out between[MAX_ROWS], out[MAX_ROWS];
};

static void place_set(struct stage *s, struct set *set)
{
    const struct lm_gf_rows *rows = s->rows;
    for (size_t r = 0; r < 1u << s->levels; r++) {
        const uint8_t *src = rows->src[r * rows->stride];
        uint8_t *dst = rows->dst[r * rows->stride];
        struct row_in in = {src ? src + rows->src_at : zeros, src ? SIZE_MAX : 0};
        struct row_out out = {dst ? dst + rows->dst_at : s->sink, dst ? SIZE_MAX : 0};
        struct row_out between = {s->between[r], 0};
        set->in[r] = s->slow_in ? (struct row_in){s->between[r], 0} : in;
        set->out[r] = s->slow_out ? between : out;
        set->between[r] = s->slow_out || s->add || !dst ? between : out;
    }
}

static void place_passes(struct stage *s, const struct set *set)
{
    for (struct pass *p = s->pass; p < s->pass + s->passes; p++)
        for (unsigned i = 0, r = p->row; i < p->rows; i++, r += p->distance) {
            struct row_out between = set->between[r];
            p->in[i] = p->first ? set->in[r] : (struct row_in){between.at, between.keep};
            p->out[i] = p->last ? set->out[r] : between;
        }
}

static bool all_narrow(const struct stage *s)
{
    bool wide = false;
    for (unsigned i = 0; i < (1u << s->levels) - 1; i++)
        wide |= s->factor[i].is_wide;
    return !wide;
}

static void plan(struct stage *s)
{
    unsigned most = s->levels == 3 && all_narrow(s) ? 3 : 2;
    unsigned low = LM_MIN(s->levels, most), high = s->levels - low;
    s->passes = 0;
    if (s->forward && high)
        plan_levels(s, low, high);
    plan_levels(s, 0, low);
    if (!s->forward && high)
        plan_levels(s, low, high);
}

static void run_piece(struct stage *s, size_t at, size_t size_bytes)
{
    for (size_t r = 0; s->slow_in && r < 1u << s->levels; r++)
        bring_row(s, r, at, size_bytes);
    for (unsigned i = 0; i < s->passes; i++)
        s->pass[i].run(&s->pass[i], at, size_bytes);
    for (size_t r = 0; s->slow_out && r < 1u << s->levels; r++)
        send_row(s, r, at, size_bytes);
}

/* One set of rows. */
static void run_set(struct stage *s, const struct lm_gf_rows *rows)
{
    struct set set;
    s->rows = rows;
    place_set(s, &set);
    place_passes(s, &set);
    for (size_t at = 0; at < rows->size_bytes; at += PIECE_BYTES)
        run_piece(s, at, LM_MIN(rows->size_bytes - at, (size_t)PIECE_BYTES));
}

/* Which edges the passes take care of. */
static void find_edges(struct stage *s)
{
    s->slow_in = s->form_in && s->forward;
    s->slow_out = s->scale || (s->form_out && !s->forward);
    s->in_edge = s->form_in && !s->slow_in ? PLAIN_IN : 0;
    s->out_edge = 0;
    if (!s->slow_out)
        s->out_edge = (s->form_out ? PLAIN_OUT : 0) | (s->add ? ADD_OUT : 0);
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
    s.form = &b->field->FORM;
    s.form_in = b->tower_src ? NULL : s.form;
    s.form_out = b->tower_dst ? NULL : s.form;
    for (unsigned i = 0; i < (1u << b->levels) - 1; i++)
        s.factor[i] = factor_of(b->field, b->twiddle[i]);
    find_edges(&s);
    plan(&s);
    for (size_t q = 0; q == 0 || q < rows->stripes; q++, set.src++, set.dst++)
        run_set(&s, &set);
}

#include "core/dsp/gf16_halves_apply.h"

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
