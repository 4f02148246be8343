/* The shape of the kernels whose vectors hold half a block or less: the low bytes and the high
 * bytes of some words lie in two vectors.
 *
 * A narrow level treats all bytes alike, so up to three of them are fused: eight rows of a vector
 * each stay in registers. Wide levels, which are the lowest ones of a stage, need both halves of a
 * pair of rows, as does the change of form; these go pair by pair, through a few blocks of memory.
 *
 * The file that includes this defines VECTOR_BYTES, GROUP_ROWS (of a dense product at a time) and
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
    MAX_LEVELS = LM_GF16_STAGE_LEVELS,
    MAX_ROWS = LM_GF16_STAGE_ROWS,
    FUSED_LEVELS = 3,
    BETWEEN_ROWS = 64,
    FUSED_VECTORS = 1 << FUSED_LEVELS,
};

/* Some words: low bytes, high bytes. */
struct words {
    vector low, high;
};

struct operands {
    struct operand low, high;
};

/* A wide constant. */
struct factor {
    const table *low_low, *high_low, *high_high;
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

INLINE struct words add_narrow(struct words sum, struct operands o, const table *t)
{
    const struct constant c = constant_of(t);
    return (struct words){add_product(sum.low, o.low, c), add_product(sum.high, o.high, c)};
}

/* Three products instead of four: t1 low + (t0 + t1) high = (t0 + t1)(low + high) + t0 low. */
INLINE struct words add_wide(struct words sum, struct operands o, const struct factor *f)
{
    vector both = product(o.low, constant_of(f->low_low));
    sum.low = add_product(add(sum.low, both), o.high, constant_of(f->high_low));
    sum.high =
        add_product(add(sum.high, both), operand_add(o.low, o.high), constant_of(f->high_high));
    return sum;
}

INLINE struct words change_form(struct words w, struct constant form)
{
    w.low = add_product(w.low, operand_of(w.high), form);
    return w;
}

#define EACH_WORDS(at, size_bytes)                                                                 \
    for (size_t block_ = 0; block_ < (size_bytes); block_ += BLOCK)                                \
        for (size_t at = block_; at < block_ + HALF; at += VECTOR_BYTES)

/* The factors of a level. Blocks that share the high byte of their labels count the low one up by
 * 2. */
struct level {
    unsigned low;       /* of the first block */
    uint8_t high, form; /* the high byte, and what that adds to the low one in tower form */
};

/* A stage, ready to run on one block. */
struct stage {
    const struct lm_gf_field *field;
    unsigned first, levels, paired; /* so many of the lowest levels go pair by pair */
    unsigned period;                /* of points that share all high bytes: the block is in it, */
    unsigned row;                   /* that far from its start, */
    struct level level[MAX_LEVELS]; /* where these are the factors */
    bool at_zero;                   /* the factors of the first pairs of each level are 0 */
    struct factor scale;
    bool scaled;
};

/* Some bytes of rows: those of row r lie at memory + r * distance. */
struct rows {
    uint8_t *at;
    size_t distance;
};

static struct factor factor_of(const struct lm_gf_field *field, uint16_t t)
{
    uint8_t part[LM_GF16_PARTS];
    lm_gf16_parts(field, t, part);
    return (struct factor){&field->TABLES[part[LM_LOW_LOW]], &field->TABLES[part[LM_HIGH_LOW]],
                           &field->TABLES[part[LM_HIGH_HIGH]]};
}

/* The same for a label with the high byte of the level's. */
INLINE struct factor wide_factor(const struct lm_gf_field *field, const struct level *l, size_t low)
{
    const table *t = field->TABLES;
    low ^= l->form;
    return (struct factor){t + low, t + field->by_c[l->high], t + (low ^ l->high)};
}

static struct level level_of(const struct lm_gf_field *field, unsigned label)
{
    return (struct level){label & 255, (uint8_t)(label >> 8), field->form[label >> 8]};
}

/* The low byte of the label of a level's first pair. */
INLINE size_t low_label(const struct stage *p, unsigned level)
{
    return p->level[level].low + (p->row >> (p->first + level));
}

static void prepare(struct stage *p, const struct lm_gf16_stage *s, unsigned first, unsigned levels)
{
    p->field = s->field;
    p->first = first;
    p->levels = levels;
    p->period = UINT32_MAX;
    p->scaled = s->scale != 1;
    if (p->scaled)
        p->scale = factor_of(s->field, s->scale);
}

/* High bytes change at the lowest level first. */
static void enter_period(struct stage *p, unsigned period)
{
    p->period = period;
    p->paired = p->levels > FUSED_LEVELS ? p->levels - FUSED_LEVELS : 0;
    for (unsigned l = 0; l < p->levels; l++) {
        p->level[l] = level_of(p->field, period << 8 >> l);
        if (p->level[l].high && p->paired <= l)
            p->paired = l + 1;
    }
}

/* To the block that starts at this point. */
INLINE void move_to(struct stage *p, unsigned point)
{
    const unsigned period = point >> (p->first + 8);
    if (period != p->period)
        enter_period(p, period);
    p->row = point - (period << (p->first + 8));
    p->at_zero = point == 0;
}

/* The body of a loop over up to 8, for constant i: vectors must not be indexed by variables. */
#define EACH_VECTOR(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)

/* What levels are like. */
enum how { FORWARD = 1, AT_ZERO = 2, ADD = 4, WIDE = 8, ZERO = 16 };

/* Of few rows two vectors, to share tables. */
INLINE unsigned fused_vectors(const unsigned rows)
{
    return rows < FUSED_VECTORS ? 2 * rows : rows;
}

INLINE void fused_butterfly(vector *lower, vector *upper, const table *t, const unsigned how)
{
    if (!(how & FORWARD))
        *upper = add(*upper, *lower);
    if (!(how & ZERO))
        *lower = add_product(*lower, operand_of(*upper), constant_of(t));
    if (how & FORWARD)
        *upper = add(*upper, *lower);
}

/* Of `vectors` vectors; row r is those at r, r + rows, .. */
INLINE void fused_level(vector *v, const table *t, const unsigned rows, const unsigned distance,
                        const unsigned how)
{
    const unsigned vectors = fused_vectors(rows);
#define BUTTERFLY(i)                                                                               \
    if ((i) < vectors && !((i)&distance))                                                          \
        fused_butterfly(&v[i], &v[((i) | distance) % FUSED_VECTORS], t + (i) % rows / distance,    \
                        how & AT_ZERO && (i) % rows < distance ? how | ZERO : how);
    EACH_VECTOR(BUTTERFLY)
}

INLINE void fused_levels(vector *v, const table *const t[], const unsigned levels,
                         const unsigned how)
{
    const unsigned rows = 1u << levels;
    if (how & FORWARD && levels > 2)
        fused_level(v, t[2], rows, 4, how);
    if (how & FORWARD && levels > 1)
        fused_level(v, t[1], rows, 2, how);
    if (levels > 0)
        fused_level(v, t[0], rows, 1, how);
    if (!(how & FORWARD) && levels > 1)
        fused_level(v, t[1], rows, 2, how);
    if (!(how & FORWARD) && levels > 2)
        fused_level(v, t[2], rows, 4, how);
}

/* Hides where a pointer comes from. Compilers would keep all tables in vectors and all distances in
 * registers, more than there are; loads and address arithmetic that wait for nothing cost less. */
#define OPAQUE(pointer) __asm__("" : "+r"(pointer))

/* The places of vectors: those of four rows are reached from one pointer. */
struct cursor {
    uint8_t *at, *four;
    size_t distance, three;
};

INLINE struct cursor cursor_of(struct rows r)
{
    return (struct cursor){r.at, r.at, r.distance, 3 * r.distance};
}

INLINE void advance(struct cursor *c, size_t at)
{
    c->four = c->at + at + 4 * c->distance;
    OPAQUE(c->four);
}

INLINE uint8_t *place(const struct cursor *c, size_t at, const unsigned row)
{
    uint8_t *p = row < 4 ? c->at + at : c->four;
    return p + (row % 4 == 3 ? c->three : row % 4 * c->distance);
}

/* On rows of so many bytes each. */
INLINE void fused(const struct stage *p, struct rows from, struct rows to, size_t size_bytes,
                  const unsigned levels, const unsigned how)
{
    const unsigned rows = 1u << levels, vectors = fused_vectors(rows);
    struct cursor src = cursor_of(from), dst = cursor_of(to);
    const table *t[FUSED_LEVELS];
    for (unsigned i = 0; i < levels; i++)
        t[i] = p->field->TABLES + low_label(p, p->paired + i);
    for (size_t at = 0; at < size_bytes; at += vectors / rows * VECTOR_BYTES) {
        vector v[FUSED_VECTORS];
#define PLACE(cursor, i) (place(&(cursor), at, (i) % rows) + (i) / rows * VECTOR_BYTES)
#define LOAD(i)                                                                                    \
    if ((i) < vectors)                                                                             \
        v[i] = vector_load(PLACE(src, i));
#define ADD_OLD(i)                                                                                 \
    if ((i) < vectors && how & ADD)                                                                \
        v[i] = add(v[i], vector_load(PLACE(dst, i)));
#define STORE(i)                                                                                   \
    if ((i) < vectors)                                                                             \
        vector_store(PLACE(dst, i), v[i]);
        if (levels > 2)
            advance(&src, at);
        EACH_VECTOR(LOAD)
        for (unsigned i = 0; i < levels; i++)
            OPAQUE(t[i]);
        fused_levels(v, t, levels, how);
        if (levels > 2)
            advance(&dst, at);
        EACH_VECTOR(ADD_OLD)
        EACH_VECTOR(STORE)
    }
}

/* The levels above the paired ones. */
#define FUSED(name, how)                                                                           \
    static void name(const struct stage *p, struct rows from, struct rows to, size_t size_bytes)   \
    {                                                                                              \
        switch (p->levels - p->paired) {                                                           \
        case 0:                                                                                    \
            fused(p, from, to, size_bytes, 0, how);                                                \
            break;                                                                                 \
        case 1:                                                                                    \
            fused(p, from, to, size_bytes, 1, how);                                                \
            break;                                                                                 \
        case 2:                                                                                    \
            fused(p, from, to, size_bytes, 2, how);                                                \
            break;                                                                                 \
        case 3:                                                                                    \
            fused(p, from, to, size_bytes, 3, how);                                                \
            break;                                                                                 \
        }                                                                                          \
    }

FUSED(fused_inverse, 0)
FUSED(fused_inverse_add, ADD)
FUSED(fused_forward, FORWARD)
FUSED(fused_forward_at_zero, FORWARD | AT_ZERO)

/* One level of the middle of a transform, on rows of so many bytes. */
INLINE void pairs(const struct stage *p, unsigned level, struct rows from, struct rows to,
                  size_t size_bytes, const unsigned how)
{
    const size_t first = low_label(p, level), apart = (size_t)1 << level;
    for (size_t i = 0; i < (size_t)1 << (p->levels - 1); i++) {
        const size_t block = i >> level, row = (block << level) + i, low = first + 2 * block;
        const struct factor wide = wide_factor(p->field, &p->level[level], low);
        const table *narrow = p->field->TABLES + low;
        const uint8_t *src = from.at + row * from.distance;
        uint8_t *dst = to.at + row * to.distance;
        EACH_WORDS(at, size_bytes)
        {
            struct words a = load(src + at), b = load(src + at + apart * from.distance);
            b = how & FORWARD ? b : add_words(b, a);
            struct operands o = operands_of(b);
            a = how & WIDE ? add_wide(a, o, &wide) : add_narrow(a, o, narrow);
            store(dst + at, a);
            store(dst + at + apart * to.distance, how & FORWARD ? add_words(b, a) : b);
        }
    }
}

static void inverse_pairs(const struct stage *p, unsigned level, struct rows from, struct rows to,
                          size_t size_bytes)
{
    if (p->level[level].high)
        pairs(p, level, from, to, size_bytes, WIDE);
    else
        pairs(p, level, from, to, size_bytes, 0);
}

static void forward_pairs(const struct stage *p, unsigned level, struct rows from, struct rows to,
                          size_t size_bytes)
{
    if (p->level[level].high)
        pairs(p, level, from, to, size_bytes, FORWARD | WIDE);
    else
        pairs(p, level, from, to, size_bytes, FORWARD);
}

#include "core/dsp/gf16_halves_stages.h"

#include "core/dsp/gf16_halves_apply.h"

#define LM_GF16_HALVES(level)                                                                      \
    void lm_gf16_inverse_in_##level(const struct lm_gf16_stage *s, const uint8_t *const src[],     \
                                    size_t src_at, const struct lm_gf16_area *to, bool add_to)     \
    {                                                                                              \
        inverse_in(s, src, src_at, to, add_to);                                                    \
    }                                                                                              \
    void lm_gf16_inverse_##level(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,   \
                                 const struct lm_gf16_area *to, bool add_to)                       \
    {                                                                                              \
        inverse(s, from, to, add_to);                                                              \
    }                                                                                              \
    void lm_gf16_forward_##level(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,   \
                                 const struct lm_gf16_area *to)                                    \
    {                                                                                              \
        forward(s, from, to);                                                                      \
    }                                                                                              \
    void lm_gf16_forward_out_##level(const struct lm_gf16_stage *s,                                \
                                     const struct lm_gf16_area *from, uint8_t *const dst[],        \
                                     size_t dst_at)                                                \
    {                                                                                              \
        forward_out(s, from, dst, dst_at);                                                         \
    }                                                                                              \
    void lm_gf16_apply_##level(const struct lm_gf16_map *map, const struct lm_gf_rows *rows,       \
                               bool add_to)                                                        \
    {                                                                                              \
        apply(map, rows, add_to);                                                                  \
    }
