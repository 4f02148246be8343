/* Stages of transforms: all rows of a stage stay in registers, two levels at a time share three-way
 * XORs. The high byte of a label is the same in all blocks of a level, and 0 from some level on: so
 * the factors of a level are a wide constant for all of them plus a narrow one for each. */
#include "core/dsp/gf16_gfni512.h"

enum { MAX_ROWS = LM_GF16_STAGE_ROWS };

/* The factors of a level. */
struct level {
    const uint64_t *narrow; /* of block b at 2 b */
    struct wide wide;
};

struct factors {
    struct level level[LM_GF16_STAGE_LEVELS];
    struct wide scale;
    bool scaled;
    unsigned rows;
    __m512i form; /* of high bytes, in the low half, into low bytes */
};

/* Those that all blocks share. */
INLINE void find_factors(struct factors *f, const struct lm_gf16_stage *s, const unsigned wide)
{
    f->form = _mm512_maskz_mov_epi64(LOW_HALF, all(s->field->form_affine));
    f->rows = 1u << s->levels;
    f->scaled = s->scale != 1;
    if (f->scaled)
        f->scale = wide_of(s->field, s->scale);
#pragma GCC unroll 4
    for (unsigned l = 0; l < wide; l++)
        f->level[l].wide = wide_of(s->field, (uint16_t)(s->point >> (s->first + l) & 0xFF00));
}

/* Those of the block at this point. */
INLINE void find_narrow(struct factors *f, const struct lm_gf16_stage *s, unsigned point,
                        const unsigned levels)
{
#pragma GCC unroll 4
    for (unsigned l = 0; l < levels; l++)
        f->level[l].narrow = s->field->affine + (point >> (s->first + l) & 255);
}

/* sum + t v */
INLINE __m512i add_product(__m512i sum, __m512i v, const struct level *l, const unsigned block,
                           const bool wide)
{
    __m512i narrow = all(l->narrow[2 * block]);
    if (!wide)
        return add(sum, product(v, narrow));
    return add3(sum, product(v, add(l->wide.straight, narrow)), product(swap(v), l->wide.crossed));
}

/* One level; `open`: the lower rows are already added to the upper ones. */
INLINE void inverse_level(__m512i *v, const struct level *l, const unsigned rows,
                          const unsigned distance, const bool wide, const bool open)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < rows / 2; i++) {
        const unsigned block = i / distance, r = 2 * block * distance + i % distance;
        if (!open)
            v[r + distance] = add(v[r + distance], v[r]);
        v[r] = add_product(v[r], v[r + distance], l, block, wide);
    }
}

/* Levels `l` and the one above, both narrow. */
INLINE void inverse_pair(__m512i *v, const struct level *l, const unsigned rows,
                         const unsigned distance, const bool open)
{
    const unsigned d = distance;
#pragma GCC unroll 4
    for (unsigned i = 0; i < rows / 4; i++) {
        const unsigned block = i / d, r = 4 * block * d + i % d;
        if (!open) {
            v[r + d] = add(v[r + d], v[r]);
            v[r + 3 * d] = add(v[r + 3 * d], v[r + 2 * d]);
        }
        v[r] = add_product(v[r], v[r + d], l, 2 * block, false);
        v[r + 2 * d] =
            add3(v[r + 2 * d], v[r], product(v[r + 3 * d], all(l->narrow[4 * block + 2])));
        v[r + 3 * d] = add(v[r + 3 * d], v[r + d]);
        v[r] = add_product(v[r], v[r + 2 * d], l + 1, block, false);
        v[r + d] = add_product(v[r + d], v[r + 3 * d], l + 1, block, false);
    }
}

/* The lowest `wide` levels are wide, the others go in pairs. Written out, as loops that count in
 * twos are not unrolled. */
INLINE void inverse_levels(__m512i *v, const struct factors *f, const unsigned levels,
                           const unsigned wide, const bool open)
{
    const unsigned rows = 1u << levels;
#pragma GCC unroll 4
    for (unsigned l = 0; l < wide; l++)
        inverse_level(v, &f->level[l], rows, 1u << l, true, open && l == 0);
    if (levels >= wide + 2)
        inverse_pair(v, &f->level[wide], rows, 1u << wide, open && wide == 0);
    if (levels >= wide + 4)
        inverse_pair(v, &f->level[wide + 2], rows, 4u << wide, false);
    if ((levels - wide) & 1)
        inverse_level(v, &f->level[levels - 1], rows, rows / 2, false, open && levels == 1);
}

/* Of zero factors, those of the first block at point 0, no product is made. */
INLINE void forward_level(__m512i *v, const struct level *l, const unsigned rows,
                          const unsigned distance, const bool wide, const bool zero)
{
#pragma GCC unroll 8
    for (unsigned i = 0; i < rows / 2; i++) {
        const unsigned block = i / distance, r = 2 * block * distance + i % distance;
        if (block || !zero)
            v[r] = add_product(v[r], v[r + distance], l, block, wide);
        v[r + distance] = add(v[r + distance], v[r]);
    }
}

INLINE void forward_pair(__m512i *v, const struct level *l, const unsigned rows,
                         const unsigned distance, const bool zero)
{
    const unsigned d = distance;
#pragma GCC unroll 4
    for (unsigned i = 0; i < rows / 4; i++) {
        const unsigned block = i / d, r = 4 * block * d + i % d;
        if (block || !zero) {
            v[r] = add_product(v[r], v[r + 2 * d], l + 1, block, false);
            v[r + d] = add_product(v[r + d], v[r + 3 * d], l + 1, block, false);
        }
        v[r + 3 * d] = add(v[r + 3 * d], v[r + d]);
        v[r + 2 * d] =
            add3(v[r + 2 * d], v[r], product(v[r + 3 * d], all(l->narrow[4 * block + 2])));
        v[r + 3 * d] = add(v[r + 3 * d], v[r + 2 * d]);
        if (block || !zero)
            v[r] = add_product(v[r], v[r + d], l, 2 * block, false);
        v[r + d] = add(v[r + d], v[r]);
    }
}

INLINE void forward_levels(__m512i *v, const struct factors *f, const unsigned levels,
                           const unsigned wide, const bool zero)
{
    const unsigned rows = 1u << levels;
    if ((levels - wide) & 1)
        forward_level(v, &f->level[levels - 1], rows, rows / 2, false, zero);
    if (levels >= wide + 4)
        forward_pair(v, &f->level[wide + 2], rows, 4u << wide, zero);
    if (levels >= wide + 2)
        forward_pair(v, &f->level[wide], rows, 1u << wide, zero);
#pragma GCC unroll 4
    for (unsigned left = wide; left > 0; left--)
        forward_level(v, &f->level[left - 1], rows, 1u << (left - 1), true, zero);
}

/* Rows lie `distance` bytes apart. Four are reached from one pointer, since x86 adds once and twice
 * a register by itself; compilers would keep all distances, in more registers than there are. */
#define AT_ONE_POINTER(p) __asm__("" : "+r"(p))

INLINE void load_rows(__m512i *v, const uint8_t *from, size_t distance, const unsigned rows)
{
    const size_t three = 3 * distance;
#pragma GCC unroll 4
    for (unsigned r = 0; r < rows; r += 4, from += 4 * distance) {
        AT_ONE_POINTER(from);
        v[r] = _mm512_load_si512(from);
        v[r + 1] = _mm512_load_si512(from + distance);
        if (rows < 4)
            continue;
        v[r + 2] = _mm512_load_si512(from + 2 * distance);
        v[r + 3] = _mm512_load_si512(from + three);
    }
}

INLINE void store_or_add(uint8_t *to, __m512i v, bool add_to)
{
    _mm512_store_si512(to, add_to ? add(v, _mm512_load_si512(to)) : v);
}

INLINE void store_rows(const __m512i *v, uint8_t *to, size_t distance, const unsigned rows,
                       const bool add_to)
{
    const size_t three = 3 * distance;
#pragma GCC unroll 4
    for (unsigned r = 0; r < rows; r += 4, to += 4 * distance) {
        AT_ONE_POINTER(to);
        store_or_add(to, v[r], add_to);
        store_or_add(to + distance, v[r + 1], add_to);
        if (rows < 4)
            continue;
        store_or_add(to + 2 * distance, v[r + 2], add_to);
        store_or_add(to + three, v[r + 3], add_to);
    }
}

/* By way of memory, to leave the common case alone. */
static __attribute__((noinline)) void store_scaled(const struct factors *f, const __m512i *v,
                                                   uint8_t *to, size_t distance, bool add_to)
{
    for (unsigned r = 0; r < f->rows; r++, to += distance) {
        __m512i before = add_to ? _mm512_load_si512(to) : _mm512_setzero_si512();
        _mm512_store_si512(to, add_wide(before, v[r], &f->scale));
    }
}

INLINE void store_inverse(const struct factors *f, const __m512i *v, uint8_t *to, size_t distance,
                          const unsigned rows, bool add_to)
{
    if (f->scaled) {
        __m512i unscaled[MAX_ROWS];
        store_rows(v, (uint8_t *)unscaled, VECTOR_BYTES, rows, false);
        store_scaled(f, unscaled, to, distance, add_to);
        return;
    }
    if (add_to)
        store_rows(v, to, distance, rows, true);
    else
        store_rows(v, to, distance, rows, false);
}

/* What tower form adds to a plain row. Its high bytes are loaded once more, into both halves:
 * cheaper than to move them. */
INLINE __m512i change_of(const uint8_t *p, __m512i form)
{
    const __m256i *high = (const __m256i *)(const void *)(p + VECTOR_BYTES / 2);
    return product(_mm512_broadcast_i64x4(_mm256_loadu_si256(high)), form);
}

/* Of plain rows, in tower form, the upper of each pair plus the lower. */
INLINE void load_plain(__m512i *v, const uint8_t *const row[], size_t at, const unsigned rows,
                       __m512i form)
{
#pragma GCC unroll 8
    for (unsigned r = 0; r < rows; r += 2) {
        const uint8_t *lower = row[r] + at, *upper = row[r + 1] + at;
        v[r] = add(_mm512_loadu_si512(lower), change_of(lower, form));
        v[r + 1] = add3(_mm512_loadu_si512(upper), change_of(upper, form), v[r]);
        __asm__ volatile("" ::: "memory"); /* or compilers load all first, in too few registers */
    }
}

INLINE void store_plain(__m512i *v, uint8_t *const row[], size_t at, const unsigned rows,
                        __m512i form)
{
#pragma GCC unroll 16
    for (unsigned r = 0; r < rows; r++)
        if (row[r])
            _mm512_storeu_si512(row[r] + at, add(v[r], product(swap(v[r]), form)));
}

static _Alignas(VECTOR_BYTES) const uint8_t zeros[VECTOR_BYTES];

INLINE bool all_there(const uint8_t *const row[], const unsigned rows)
{
    __mmask8 lacks = 0;
#pragma GCC unroll 2
    for (unsigned r = 0; r < rows; r += 8) {
        const __mmask8 these = rows < 8 ? (__mmask8)((1u << rows) - 1) : 0xFF;
        __m512i pointers = _mm512_maskz_loadu_epi64(these, row + r);
        lacks |= _mm512_mask_testn_epi64_mask(these, pointers, pointers);
    }
    return !lacks;
}

INLINE void inverse_in(const struct lm_gf16_stage *s, const uint8_t *const src[], size_t src_at,
                       const struct lm_gf16_area *to, bool add_to, const unsigned levels,
                       const unsigned wide)
{
    const unsigned rows = 1u << levels;
    struct factors f;
    find_factors(&f, s, wide);
    for (unsigned start = 0; start < s->blocks * rows; start += rows) {
        uint8_t *dst = to->memory + (size_t)start * VECTOR_BYTES;
        bool full = all_there(src + start, rows);
        find_narrow(&f, s, s->point + start, levels);
        for (size_t c = 0; c < s->columns; c++) {
            const uint8_t *some[MAX_ROWS], *const *row = src + start;
            size_t at = src_at + c * VECTOR_BYTES;
            __m512i v[MAX_ROWS];
            if (!full) {
                for (unsigned r = 0; r < rows; r++)
                    some[r] = row[r] ? row[r] + at : zeros;
                row = some;
                at = 0;
            }
            load_plain(v, row, at, rows, f.form);
            inverse_levels(v, &f, levels, wide, true);
            store_inverse(&f, v, dst + c * to->column_bytes, VECTOR_BYTES, rows, add_to);
        }
    }
}

/* Where a block of a column lies. */
INLINE size_t place(const struct lm_gf16_area *a, unsigned start, size_t column)
{
    return start * (size_t)VECTOR_BYTES + column * a->column_bytes;
}

INLINE void inverse(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                    const struct lm_gf16_area *to, bool add_to, const unsigned levels,
                    const unsigned wide)
{
    const size_t distance = (size_t)VECTOR_BYTES << s->first;
    const unsigned rows = 1u << (s->first + levels);
    struct factors f;
    find_factors(&f, s, wide);
    for (unsigned start = 0; start < s->blocks * rows; start += rows) {
        find_narrow(&f, s, s->point + start, levels);
        for (size_t c = 0; c < s->columns; c++) {
            const uint8_t *src = from->memory + place(from, start, c);
            uint8_t *dst = to->memory + place(to, start, c);
            for (size_t q = 0; q < distance; q += VECTOR_BYTES) {
                __m512i v[MAX_ROWS];
                load_rows(v, src + q, distance, 1u << levels);
                inverse_levels(v, &f, levels, wide, false);
                store_inverse(&f, v, dst + q, distance, 1u << levels, add_to);
            }
        }
    }
}

INLINE void forward(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                    const struct lm_gf16_area *to, const bool zero, const unsigned levels,
                    const unsigned wide)
{
    const size_t distance = (size_t)VECTOR_BYTES << s->first;
    const unsigned rows = 1u << (s->first + levels);
    struct factors f;
    find_factors(&f, s, wide);
    for (unsigned start = 0; start < s->blocks * rows; start += rows) {
        find_narrow(&f, s, s->point + start, levels);
        for (size_t c = 0; c < s->columns; c++) {
            const uint8_t *src = from->memory + place(from, start, c);
            uint8_t *dst = to->memory + place(to, start, c);
            for (size_t q = 0; q < distance; q += VECTOR_BYTES) {
                __m512i v[MAX_ROWS];
                load_rows(v, src + q, distance, 1u << levels);
                forward_levels(v, &f, levels, wide, zero);
                store_rows(v, dst + q, distance, 1u << levels, false);
            }
        }
    }
}

INLINE void forward_out(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                        uint8_t *const dst[], size_t dst_at, const unsigned levels,
                        const unsigned wide)
{
    const unsigned rows = 1u << levels;
    struct factors f;
    find_factors(&f, s, wide);
    for (unsigned start = 0; start < s->blocks * rows; start += rows) {
        find_narrow(&f, s, s->point + start, levels);
        for (size_t c = 0; c < s->columns; c++) {
            __m512i v[MAX_ROWS];
            load_rows(v, from->memory + place(from, start, c), VECTOR_BYTES, rows);
            forward_levels(v, &f, levels, wide, false);
            store_plain(v, dst + start, dst_at + c * VECTOR_BYTES, rows, f.form);
        }
    }
}

/* As the high byte of labels falls from level to level, the wide ones are the lowest. */
static unsigned wide_levels(const struct lm_gf16_stage *s)
{
    unsigned count = 0;
    while (count < s->levels && s->point >> (s->first + count) > 255)
        count++;
    return count;
}

/* The next blocks of a stage, as many as share the high bytes of their labels, and at point 0 one.
 * `done` blocks are done. */
static bool next_run(struct lm_gf16_stage *run, const struct lm_gf16_stage *s, unsigned *done)
{
    unsigned rows_log = s->first + s->levels, shared = 1u << (8 - s->levels);
    unsigned block;
    *done += run->blocks;
    if (*done >= s->blocks)
        return false;
    run->point = s->point + (*done << rows_log);
    block = run->point >> rows_log;
    run->blocks = shared - block % shared;
    if (run->blocks > s->blocks - *done)
        run->blocks = s->blocks - *done;
    if (block == 0)
        run->blocks = 1;
    return true;
}

/* A function of its own for each number of levels and of wide ones: no branch is left inside. */
#define ONE(levels, wide, f, ...)                                                                  \
    case 8 * (levels) + (wide):                                                                    \
        f(__VA_ARGS__, levels, wide);                                                              \
        break;
#define EACH(f, run, ...)                                                                          \
    switch (8 * (run)->levels + wide_levels(run)) {                                                \
        ONE(1, 0, f, run, __VA_ARGS__)                                                             \
        ONE(1, 1, f, run, __VA_ARGS__)                                                             \
        ONE(2, 0, f, run, __VA_ARGS__)                                                             \
        ONE(2, 1, f, run, __VA_ARGS__)                                                             \
        ONE(2, 2, f, run, __VA_ARGS__)                                                             \
        ONE(3, 0, f, run, __VA_ARGS__)                                                             \
        ONE(3, 1, f, run, __VA_ARGS__)                                                             \
        ONE(3, 2, f, run, __VA_ARGS__)                                                             \
        ONE(3, 3, f, run, __VA_ARGS__)                                                             \
        ONE(4, 0, f, run, __VA_ARGS__)                                                             \
        ONE(4, 1, f, run, __VA_ARGS__)                                                             \
        ONE(4, 2, f, run, __VA_ARGS__)                                                             \
        ONE(4, 3, f, run, __VA_ARGS__)                                                             \
        ONE(4, 4, f, run, __VA_ARGS__)                                                             \
    }

void lm_gf16_inverse_in_gfni512(const struct lm_gf16_stage *s, const uint8_t *const src[],
                                size_t src_at, const struct lm_gf16_area *to, bool add_to)
{
    struct lm_gf16_stage run = *s;
    run.blocks = 0;
    for (unsigned done = 0; next_run(&run, s, &done);) {
        struct lm_gf16_area dst = lm_gf16_block_area(s, to, done);
        EACH(inverse_in, &run, src + (done << s->levels), src_at, &dst, add_to)
    }
}

void lm_gf16_inverse_gfni512(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                             const struct lm_gf16_area *to, bool add_to)
{
    struct lm_gf16_stage run = *s;
    run.blocks = 0;
    for (unsigned done = 0; next_run(&run, s, &done);) {
        struct lm_gf16_area src = lm_gf16_block_area(s, from, done);
        struct lm_gf16_area dst = lm_gf16_block_area(s, to, done);
        EACH(inverse, &run, &src, &dst, add_to)
    }
}

/* Its factors are 0. */
static void forward_at_zero(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                            const struct lm_gf16_area *to)
{
    switch (s->levels) {
    case 1:
        forward(s, from, to, true, 1, 0);
        break;
    case 2:
        forward(s, from, to, true, 2, 0);
        break;
    case 3:
        forward(s, from, to, true, 3, 0);
        break;
    case 4:
        forward(s, from, to, true, 4, 0);
        break;
    }
}

void lm_gf16_forward_gfni512(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                             const struct lm_gf16_area *to)
{
    struct lm_gf16_stage run = *s;
    run.blocks = 0;
    for (unsigned done = 0; next_run(&run, s, &done);) {
        struct lm_gf16_area src = lm_gf16_block_area(s, from, done);
        struct lm_gf16_area dst = lm_gf16_block_area(s, to, done);
        if (run.point == 0)
            forward_at_zero(&run, &src, &dst);
        else
            EACH(forward, &run, &src, &dst, false)
    }
}

void lm_gf16_forward_out_gfni512(const struct lm_gf16_stage *s, const struct lm_gf16_area *from,
                                 uint8_t *const dst[], size_t dst_at)
{
    struct lm_gf16_stage run = *s;
    run.blocks = 0;
    for (unsigned done = 0; next_run(&run, s, &done);) {
        struct lm_gf16_area src = lm_gf16_block_area(s, from, done);
        EACH(forward_out, &run, &src, dst + (done << s->levels), dst_at)
    }
}
