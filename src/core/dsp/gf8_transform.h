/* The shape of the transform kernels. Columns of one vector pass by: the lower levels run in
 * registers, block by block, into a buffer of a few KiB; the upper levels run from there. Two
 * levels at a time share three-way XORs; the last level takes the scaling along. The file that
 * includes this defines VECTOR_BYTES, FUSED_LEVELS (how many the registers hold) and vector,
 * vector_zero(), vector_load(p), vector_store(p, v), vector_add(a, b), vector_add3(a, b, c)
 *   constant, constant_of(c)     a factor as it lies in memory
 *   product(v, constant)
 * and then the functions by LM_GF8_TRANSFORMS(level). */
#include "core/dsp/gf8.h"
#include "core/dsp/gf8_tables.h"

#define MAX_ROWS (1 << LM_GF8_MAX_LEVELS)
#define INLINE   static inline __attribute__((always_inline))

enum state { FULL, SPARSE, EMPTY };

/* One per call, not per shape: compilers do not let the shapes share their stack. */
struct workspace {
    vector buffer[MAX_ROWS];
    unsigned lower[MAX_ROWS / 2]; /* states of the blocks of the lower levels */
    constant low[MAX_ROWS];       /* block after block, 2^low - 1 each: see first_factor() */
    constant high[15], scale, scaled_last;
};

/* Factors lie from the highest level down, level after level. */
INLINE unsigned first_factor(unsigned levels, unsigned level)
{
    return (1u << (levels - 1 - level)) - 1;
}

INLINE void set_factors(constant *to, const unsigned levels, unsigned first, unsigned base)
{
    for (unsigned level = 0; level < levels; level++) {
        const uint8_t *twiddle = lm_gf8_twiddles[first + level] + base;
        unsigned blocks = 1u << (levels - 1 - level);
        for (unsigned n = 0; n < blocks; n++)
            to[blocks - 1 + n] = constant_of(twiddle[n << (first + level + 1)]);
    }
}

INLINE void prepare(struct workspace *w, const struct lm_gf8_transform *t, const unsigned low,
                    const unsigned high)
{
    for (unsigned n = 0; n < 1u << high; n++)
        set_factors(w->low + n * ((1u << low) - 1), low, t->first,
                    t->base + (n << (low + t->first)));
    if (high)
        set_factors(w->high, high, t->first + low, t->base);
}

INLINE unsigned state_of(const uint8_t *const row[], const unsigned rows)
{
    unsigned there = 0;
    for (unsigned r = 0; r < rows; r++)
        there += row[r] != NULL;
    return there == rows ? FULL : there ? SPARSE : EMPTY;
}

/* Levels `level` and `level` + 1, less the upper's factor of its lower rows if `open`. */
INLINE void inverse_pair(vector *v, const constant *factor, const unsigned levels,
                         const unsigned level, const bool open)
{
    const unsigned d = 1u << level, groups = 1u << (levels - 2);
    const constant *low = factor + first_factor(levels, level);
    const constant *high = factor + first_factor(levels, level + 1);
#pragma GCC unroll 4
    for (unsigned i = 0; i < groups; i++) {
        const unsigned block = i >> level, r = (block << (level + 2)) + (i & (d - 1));
        v[r + d] = vector_add(v[r + d], v[r]);
        v[r] = vector_add(v[r], product(v[r + d], low[2 * block]));
        v[r + 3 * d] = vector_add(v[r + 3 * d], v[r + 2 * d]);
        v[r + 2 * d] = vector_add3(v[r + 2 * d], v[r], product(v[r + 3 * d], low[2 * block + 1]));
        v[r + 3 * d] = vector_add(v[r + 3 * d], v[r + d]);
        if (open)
            continue;
        v[r] = vector_add(v[r], product(v[r + 2 * d], high[block]));
        v[r + d] = vector_add(v[r + d], product(v[r + 3 * d], high[block]));
    }
}

INLINE void inverse_levels(vector *v, const constant *factor, const unsigned levels,
                           const bool open)
{
    const unsigned half = 1u << (levels - 1);
#pragma GCC unroll 2
    for (unsigned level = 0; level + 2 <= levels; level += 2)
        inverse_pair(v, factor, levels, level, open && level + 2 == levels);
    if (!(levels & 1))
        return;
#pragma GCC unroll 8
    for (unsigned r = 0; r < half; r++) {
        v[r + half] = vector_add(v[r + half], v[r]);
        if (!open)
            v[r] = vector_add(v[r], product(v[r + half], factor[0]));
    }
}

/* The factor left open, and all rows times the scale. */
INLINE void store_scaled(const vector *v, const struct workspace *w, const unsigned levels,
                         uint8_t *to, size_t stride, const bool add)
{
    const unsigned half = 1u << (levels - 1);
#pragma GCC unroll 8
    for (unsigned r = 0; r < half; r++) {
        uint8_t *lower = to + r * stride, *upper = to + (r + half) * stride;
        vector l = product(v[r], w->scale), u = product(v[r + half], w->scale);
        vector last = product(v[r + half], w->scaled_last);
        vector_store(lower, add ? vector_add3(l, last, vector_load(lower)) : vector_add(l, last));
        vector_store(upper, add ? vector_add(u, vector_load(upper)) : u);
    }
}

INLINE void load_rows(vector *v, const uint8_t *const row[], const unsigned rows, unsigned state,
                      size_t at)
{
    if (state == FULL) {
#pragma GCC unroll 16
        for (unsigned r = 0; r < rows; r++)
            v[r] = vector_load(row[r] + at);
        return;
    }
#pragma GCC unroll 16
    for (unsigned r = 0; r < rows; r++)
        v[r] = row[r] ? vector_load(row[r] + at) : vector_zero();
}

/* The lower levels, into the buffer. */
INLINE void inverse_blocks(struct workspace *w, const uint8_t *const values[], const unsigned low,
                           const unsigned high, size_t at)
{
    const unsigned blocks = 1u << high, rows = 1u << low;
#pragma GCC unroll 1
    for (unsigned n = 0; n < blocks; n++) {
        vector v[16], *to = w->buffer + n * rows;
        if (w->lower[n] == EMPTY) {
            for (unsigned r = 0; r < rows; r++)
                to[r] = vector_zero();
            continue;
        }
        load_rows(v, values + n * rows, rows, w->lower[n], at);
        inverse_levels(v, w->low + n * (rows - 1), low, false);
#pragma GCC unroll 16
        for (unsigned r = 0; r < rows; r++)
            to[r] = v[r];
    }
}

INLINE void inverse_columns(const struct lm_gf8_transform *t, struct workspace *w,
                            const uint8_t *const values[], const unsigned low, const unsigned high,
                            const bool add)
{
    const unsigned blocks = 1u << high, rows = 1u << low;
    for (size_t column = 0; column < t->size_bytes; column += VECTOR_BYTES) {
        vector v[16];
        uint8_t *to = t->area + column;
        if (!high) {
            load_rows(v, values, rows, w->lower[0], t->at + column);
            inverse_levels(v, w->low, low, true);
            store_scaled(v, w, low, to, t->stride, add);
            continue;
        }
        inverse_blocks(w, values, low, high, t->at + column);
#pragma GCC unroll 1
        for (unsigned q = 0; q < rows; q++) {
#pragma GCC unroll 8
            for (unsigned i = 0; i < blocks; i++)
                v[i] = w->buffer[i * rows + q];
            inverse_levels(v, w->high, high, true);
            store_scaled(v, w, high, to + q * t->stride, rows * t->stride, add);
        }
    }
}

INLINE void inverse(const struct lm_gf8_transform *t, const uint8_t *const values[],
                    struct workspace *w, const unsigned low, const unsigned high)
{
    uint8_t last = lm_gf8_twiddles[t->first + low + high - 1][t->base];
    prepare(w, t, low, high);
    w->scale = constant_of(t->scale);
    w->scaled_last = constant_of(lm_gf8_multiply(t->scale, last));
    for (unsigned n = 0; n < 1u << high; n++)
        w->lower[n] = state_of(values + (n << low), 1u << low);
    if (t->add)
        inverse_columns(t, w, values, low, high, true);
    else
        inverse_columns(t, w, values, low, high, false);
}

/* Levels `level` + 1 and `level`. */
INLINE void forward_pair(vector *v, const constant *factor, const unsigned levels,
                         const unsigned level)
{
    const unsigned d = 1u << level, groups = 1u << (levels - 2);
    const constant *low = factor + first_factor(levels, level);
    const constant *high = factor + first_factor(levels, level + 1);
#pragma GCC unroll 4
    for (unsigned i = 0; i < groups; i++) {
        const unsigned block = i >> level, r = (block << (level + 2)) + (i & (d - 1));
        v[r] = vector_add(v[r], product(v[r + 2 * d], high[block]));
        v[r + d] = vector_add(v[r + d], product(v[r + 3 * d], high[block]));
        v[r + 3 * d] = vector_add(v[r + 3 * d], v[r + d]);
        v[r + 2 * d] = vector_add3(v[r + 2 * d], v[r], product(v[r + 3 * d], low[2 * block + 1]));
        v[r + 3 * d] = vector_add(v[r + 3 * d], v[r + 2 * d]);
        v[r] = vector_add(v[r], product(v[r + d], low[2 * block]));
        v[r + d] = vector_add(v[r + d], v[r]);
    }
}

INLINE void forward_levels(vector *v, const constant *factor, const unsigned levels)
{
    const unsigned half = 1u << (levels - 1);
    if (levels & 1) {
#pragma GCC unroll 8
        for (unsigned r = 0; r < half; r++) {
            v[r] = vector_add(v[r], product(v[r + half], factor[0]));
            v[r + half] = vector_add(v[r + half], v[r]);
        }
    }
#pragma GCC unroll 2
    for (unsigned pair = levels / 2; pair > 0; pair--)
        forward_pair(v, factor, levels, 2 * pair - 2);
}

INLINE void store_rows(const vector *v, uint8_t *const row[], const unsigned rows, unsigned state,
                       size_t at)
{
    if (state == FULL) {
#pragma GCC unroll 16
        for (unsigned r = 0; r < rows; r++)
            vector_store(row[r] + at, v[r]);
        return;
    }
#pragma GCC unroll 16
    for (unsigned r = 0; r < rows; r++)
        if (row[r])
            vector_store(row[r] + at, v[r]);
}

/* The upper levels, into the buffer. */
INLINE void forward_high(struct workspace *w, const unsigned low, const unsigned high,
                         const uint8_t *from, size_t stride)
{
    const unsigned blocks = 1u << high, rows = 1u << low;
#pragma GCC unroll 1
    for (unsigned q = 0; q < rows; q++) {
        vector v[8];
#pragma GCC unroll 8
        for (unsigned i = 0; i < blocks; i++)
            v[i] = vector_load(from + (i * rows + q) * stride);
        forward_levels(v, w->high, high);
#pragma GCC unroll 8
        for (unsigned i = 0; i < blocks; i++)
            w->buffer[i * rows + q] = v[i];
    }
}

INLINE void forward(const struct lm_gf8_transform *t, uint8_t *const values[], struct workspace *w,
                    const unsigned low, const unsigned high)
{
    const unsigned blocks = 1u << high, rows = 1u << low;
    prepare(w, t, low, high);
    for (unsigned n = 0; n < blocks; n++)
        w->lower[n] = state_of((const uint8_t *const *)values + n * rows, rows);
    for (size_t column = 0; column < t->size_bytes; column += VECTOR_BYTES) {
        const uint8_t *from = t->area + column;
        if (high)
            forward_high(w, low, high, from, t->stride);
#pragma GCC unroll 1
        for (unsigned n = 0; n < blocks; n++) {
            vector v[16];
            if (w->lower[n] == EMPTY)
                continue;
#pragma GCC unroll 16
            for (unsigned r = 0; r < rows; r++)
                v[r] = high ? w->buffer[n * rows + r] : vector_load(from + r * t->stride);
            forward_levels(v, w->low + n * (rows - 1), low);
            store_rows(v, values + n * rows, rows, w->lower[n], t->at + column);
        }
    }
}

/* How many levels are low, and how many high. */
#define LOW(levels)  ((levels) <= FUSED_LEVELS ? (levels) : ((levels) + 1) / 2)
#define HIGH(levels) ((levels)-LOW(levels))

#define EACH_LEVEL(function)                                                                       \
    switch (t->levels) {                                                                           \
    case 1:                                                                                        \
        function(t, values, &w, LOW(1), HIGH(1));                                                  \
        break;                                                                                     \
    case 2:                                                                                        \
        function(t, values, &w, LOW(2), HIGH(2));                                                  \
        break;                                                                                     \
    case 3:                                                                                        \
        function(t, values, &w, LOW(3), HIGH(3));                                                  \
        break;                                                                                     \
    case 4:                                                                                        \
        function(t, values, &w, LOW(4), HIGH(4));                                                  \
        break;                                                                                     \
    case 5:                                                                                        \
        function(t, values, &w, LOW(5), HIGH(5));                                                  \
        break;                                                                                     \
    case 6:                                                                                        \
        function(t, values, &w, LOW(6), HIGH(6));                                                  \
        break;                                                                                     \
    default:                                                                                       \
        function(t, values, &w, LOW(7), HIGH(7));                                                  \
        break;                                                                                     \
    }

#define LM_GF8_TRANSFORMS(level)                                                                   \
    void lm_gf8_inverse_##level(const struct lm_gf8_transform *t, const uint8_t *const values[])   \
    {                                                                                              \
        struct workspace w;                                                                        \
        EACH_LEVEL(inverse)                                                                        \
    }                                                                                              \
    void lm_gf8_forward_##level(const struct lm_gf8_transform *t, uint8_t *const values[])         \
    {                                                                                              \
        struct workspace w;                                                                        \
        EACH_LEVEL(forward)                                                                        \
    }
