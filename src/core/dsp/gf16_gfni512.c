/* A row passes by in vectors of 64 bytes, low half and high half of 32 words: a narrow factor is
 * one bit-matrix product, a wide one two, of the vector and of the vector with its halves swapped.
 * All rows of a stage stay in registers. */
#include "core/dsp/gf16_levels.h"
#include "core/dsp/gf16_tables.h"

#include <immintrin.h>

#define XOR3   0x96
#define INLINE static inline __attribute__((always_inline))

enum {
    VECTOR_BYTES = 64,
    MAX_ROWS = LM_BUTTERFLY_MAX_ROWS,
    LOW_HALF = 0x0F, /* masks of quadwords */
    HIGH_HALF = 0xF0,
    GROUP_ROWS = 8, /* of a dense product at a time */
    MAX_SOURCES = 32,
};

/* What a vector and its swapped one are multiplied by. */
struct wide {
    __m512i straight, crossed;
};

INLINE __m512i add(__m512i a, __m512i b)
{
    return _mm512_xor_si512(a, b);
}

INLINE __m512i swap(__m512i v)
{
    return _mm512_shuffle_i64x2(v, v, 0x4E);
}

INLINE __m512i all(uint64_t matrix)
{
    return _mm512_set1_epi64((long long)matrix);
}

/* Memory operands: a broadcast from there takes no arithmetic unit. */
INLINE __m512i halves(const uint64_t *low, const uint64_t *high)
{
    return _mm512_mask_blend_epi64(HIGH_HALF, all(*low), all(*high));
}

INLINE __m512i product(__m512i v, __m512i matrix)
{
    return _mm512_gf2p8affine_epi64_epi8(v, matrix, 0);
}

INLINE __m512i add_narrow(__m512i sum, __m512i v, uint64_t matrix)
{
    return add(sum, product(v, all(matrix)));
}

INLINE __m512i add_wide(__m512i sum, __m512i v, const struct wide *w)
{
    return _mm512_ternarylogic_epi64(sum, product(v, w->straight), product(swap(v), w->crossed),
                                     XOR3);
}

INLINE struct wide wide_of(const struct lm_gf_field *field, uint16_t t)
{
    uint8_t part[LM_GF16_PARTS];
    lm_gf16_parts(field, t, part);
    return (struct wide){
        halves(&field->affine[part[LM_LOW_LOW]], &field->affine[part[LM_HIGH_HIGH]]),
        halves(&field->affine[part[LM_HIGH_LOW]], &field->affine[part[LM_LOW_HIGH]]),
    };
}

/* The body of a loop over 16 or 8, for constant r: vectors must not be indexed by variables. */
#define EACH_8(f)  f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7)
#define EACH_16(f) EACH_8(f) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)

/* A stage, ready to run. */
struct stage {
    const uint8_t *in[MAX_ROWS];
    uint8_t *out[MAX_ROWS];
    size_t in_keep[MAX_ROWS], out_keep[MAX_ROWS]; /* if special; 0: stay at the one block */
    size_t size_bytes;
    bool special_in, special_out, convert_in, convert_out, forward, add, scaled;
    bool is_wide[LM_BUTTERFLY_MAX_LEVELS];
    uint64_t narrow[MAX_ROWS - 1];
    struct wide wide[MAX_ROWS - 1], scale;
    __m512i form;
    uint8_t sink[VECTOR_BYTES];
};

static _Alignas(VECTOR_BYTES) const uint8_t zeros[VECTOR_BYTES];

INLINE unsigned first_factor(unsigned levels, unsigned level)
{
    return (1u << (levels - 1 - level)) - 1;
}

/* Once the other flags stand. */
INLINE void find_rows(struct stage *s, const struct lm_gf_rows *rows, unsigned count)
{
    bool in_lacks = false, out_lacks = false;
    for (unsigned r = 0; r < count; r++) {
        const uint8_t *src = rows->src[r * rows->stride];
        uint8_t *dst = rows->dst[r * rows->stride];
        s->in[r] = src ? src + rows->src_at : zeros;
        s->out[r] = dst ? dst + rows->dst_at : s->sink;
        in_lacks |= !src;
        out_lacks |= !dst;
    }
    s->special_in = in_lacks || s->convert_in;
    s->special_out = out_lacks || s->scaled || s->convert_out || s->add;
    for (unsigned r = 0; s->special_in && r < count; r++)
        s->in_keep[r] = s->in[r] == zeros ? 0 : SIZE_MAX;
    for (unsigned r = 0; s->special_out && r < count; r++)
        s->out_keep[r] = s->out[r] == s->sink ? 0 : SIZE_MAX;
    s->size_bytes = rows->size_bytes;
}

/* A level is wide where one of its factors is. */
INLINE void find_factors(struct stage *s, const struct lm_butterflies *b, unsigned levels)
{
    for (unsigned level = 0; level < levels; level++) {
        unsigned first = first_factor(levels, level), all = 0;
        for (unsigned i = first; i <= 2 * first; i++)
            all |= b->twiddle[i];
        s->is_wide[level] = all > 255;
        if (all > 255)
            for (unsigned i = first; i <= 2 * first; i++)
                s->wide[i] = wide_of(b->field, b->twiddle[i]);
        else
            for (unsigned i = first; i <= 2 * first; i++)
                s->narrow[i] = b->field->affine[b->twiddle[i]];
    }
}

INLINE void change_form(const struct stage *s, __m512i *v, const unsigned rows)
{
#define CHANGE(r)                                                                                  \
    if ((r) < rows)                                                                                \
        v[r] = add(v[r], product(swap(v[r]), s->form));
    EACH_16(CHANGE)
}

/* In the middle of a transform nothing is special: one branch for that, not one for each case. */
INLINE void load_rows(const struct stage *s, __m512i *v, const unsigned rows, size_t at)
{
#define LOAD(r)                                                                                    \
    if ((r) < rows)                                                                                \
        v[r] = _mm512_loadu_si512(s->in[r] + at);
#define LOAD_SOME(r)                                                                               \
    if ((r) < rows)                                                                                \
        v[r] = _mm512_loadu_si512(s->in[r] + (at & s->in_keep[r]));
    if (!s->special_in) {
        EACH_16(LOAD)
        return;
    }
    EACH_16(LOAD_SOME)
    if (s->convert_in)
        change_form(s, v, rows);
}

INLINE void store_rows(const struct stage *s, __m512i *v, const unsigned rows, size_t at)
{
#define STORE(r)                                                                                   \
    if ((r) < rows)                                                                                \
        _mm512_storeu_si512(s->out[r] + at, v[r]);
#define SCALE(r)                                                                                   \
    if ((r) < rows)                                                                                \
        v[r] = add_wide(_mm512_setzero_si512(), v[r], &s->scale);
#define ADD(r)                                                                                     \
    if ((r) < rows)                                                                                \
        v[r] = add(v[r], _mm512_loadu_si512(s->out[r] + (at & s->out_keep[r])));
#define STORE_SOME(r)                                                                              \
    if ((r) < rows)                                                                                \
        _mm512_storeu_si512(s->out[r] + (at & s->out_keep[r]), v[r]);
    if (!s->special_out) {
        EACH_16(STORE)
        return;
    }
    if (s->scaled) {
        EACH_16(SCALE)
    }
    if (s->convert_out)
        change_form(s, v, rows);
    if (s->add) {
        EACH_16(ADD)
    }
    EACH_16(STORE_SOME)
}

INLINE void butterfly(const struct stage *s, __m512i *v, const unsigned levels,
                      const unsigned level, const unsigned i, const bool wide, const bool forward)
{
    const unsigned distance = 1u << level, factor = first_factor(levels, level) + (i >> level);
    __m512i *lower = v + (i & ~(distance - 1)) + i, *upper = lower + distance;
    if (!forward)
        *upper = add(*upper, *lower);
    if (wide)
        *lower = add_wide(*lower, *upper, &s->wide[factor]);
    else
        *lower = add_narrow(*lower, *upper, s->narrow[factor]);
    if (forward)
        *upper = add(*upper, *lower);
}

INLINE void one_level(const struct stage *s, __m512i *v, const unsigned levels,
                      const unsigned level, const bool forward)
{
#define WIDE(i)                                                                                    \
    if ((i) < 1u << (levels - 1))                                                                  \
        butterfly(s, v, levels, level, i, true, forward);
#define NARROW(i)                                                                                  \
    if ((i) < 1u << (levels - 1))                                                                  \
        butterfly(s, v, levels, level, i, false, forward);
    if (level >= levels)
        return;
    if (s->is_wide[level]) {
        EACH_8(WIDE)
    } else {
        EACH_8(NARROW)
    }
}

INLINE void run(struct stage *s, const unsigned levels)
{
    const unsigned rows = 1u << levels;
    for (size_t at = 0; at < s->size_bytes; at += VECTOR_BYTES) {
        __m512i v[MAX_ROWS];
        load_rows(s, v, rows, at);
        if (s->forward) {
            one_level(s, v, levels, 3, true);
            one_level(s, v, levels, 2, true);
            one_level(s, v, levels, 1, true);
            one_level(s, v, levels, 0, true);
        } else {
            one_level(s, v, levels, 0, false);
            one_level(s, v, levels, 1, false);
            one_level(s, v, levels, 2, false);
            one_level(s, v, levels, 3, false);
        }
        store_rows(s, v, rows, at);
    }
}

INLINE void run_stripes(struct stage *s, const struct lm_gf_rows *rows, const unsigned levels)
{
    struct lm_gf_rows at = *rows;
    for (size_t q = 0; q == 0 || q < rows->stripes; q++, at.src++, at.dst++) {
        find_rows(s, &at, 1u << levels);
        run(s, levels);
    }
}

static void butterflies(const struct lm_butterflies *b, const struct lm_gf_rows *rows, bool forward,
                        bool add_to_dst)
{
    struct stage s;
    s.convert_in = !b->tower_src;
    s.convert_out = !b->tower_dst;
    s.forward = forward;
    s.add = add_to_dst;
    s.scaled = !forward && b->scale != 1;
    s.form = _mm512_maskz_mov_epi64(LOW_HALF, all(b->field->form_affine));
    if (s.scaled)
        s.scale = wide_of(b->field, b->scale);
    find_factors(&s, b, b->levels);
    switch (b->levels) {
    case 1:
        run_stripes(&s, rows, 1);
        break;
    case 2:
        run_stripes(&s, rows, 2);
        break;
    case 3:
        run_stripes(&s, rows, 3);
        break;
    case 4:
        run_stripes(&s, rows, 4);
        break;
    }
}

void lm_gf16_inverse_gfni512(const struct lm_butterflies *b, const struct lm_gf_rows *rows,
                             bool add_to_dst)
{
    butterflies(b, rows, false, add_to_dst);
}

void lm_gf16_forward_gfni512(const struct lm_butterflies *b, const struct lm_gf_rows *rows)
{
    butterflies(b, rows, true, false);
}

/* Rows of a dense product and up to MAX_SOURCES of its sources. */
struct part {
    const uint8_t *src[MAX_SOURCES];
    uint8_t *dst[GROUP_ROWS];
    unsigned sources;
    bool add;
    uint64_t form;
    union { /* [source][row] */
        /* For one row or two: factors that take words in plain form to sums in tower form. */
        struct wide wide[MAX_SOURCES * 2];
        /* For more, whose sources are brought into tower form: of t0, t0 + t1, t1 c. */
        struct triple {
            uint64_t low, both, high;
        } triple[MAX_SOURCES * GROUP_ROWS];
    };
};

static void expand_wide(struct part *p, const struct lm_gf16_map *map, const uint16_t *coefficients,
                        unsigned rows)
{
    const struct lm_gf_field *field = map->field;
    struct wide *wide = p->wide;
    for (unsigned i = 0; i < p->sources; i++, coefficients += map->stride)
        for (unsigned r = 0; r < rows; r++) {
            uint8_t part[LM_GF16_PARTS];
            lm_gf16_parts(field, coefficients[r], part);
            struct wide w = wide_of(field, coefficients[r]);
            w.straight = _mm512_mask_xor_epi64(w.straight, HIGH_HALF, w.straight,
                                               all(field->formed_affine[part[LM_LOW_HIGH]]));
            w.crossed = _mm512_mask_xor_epi64(w.crossed, LOW_HALF, w.crossed,
                                              all(field->formed_affine[part[LM_LOW_LOW]]));
            *wide++ = w;
        }
}

static void expand_triples(struct part *p, const struct lm_gf16_map *map,
                           const uint16_t *coefficients, unsigned rows)
{
    struct triple *triple = p->triple;
    for (unsigned i = 0; i < p->sources; i++, coefficients += map->stride)
        for (unsigned r = 0; r < rows; r++) {
            uint8_t part[LM_GF16_PARTS];
            lm_gf16_parts(map->field, coefficients[r], part);
            *triple++ = (struct triple){map->field->affine[part[LM_LOW_LOW]],
                                        map->field->affine[part[LM_HIGH_HIGH]],
                                        map->field->affine[part[LM_HIGH_LOW]]};
        }
}

INLINE void few_rows(const struct part *p, const unsigned rows, const unsigned blocks, size_t at)
{
    const __m512i form = _mm512_maskz_mov_epi64(LOW_HALF, all(p->form));
    const struct wide *wide = p->wide;
    __m512i sum[2][4];
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < blocks; c++)
            sum[r][c] = _mm512_setzero_si512();
    for (unsigned i = 0; i < p->sources; i++, wide += rows)
        for (unsigned c = 0; c < blocks; c++) {
            __m512i v = _mm512_loadu_si512(p->src[i] + at + c * VECTOR_BYTES);
            for (unsigned r = 0; r < rows; r++)
                sum[r][c] = add_wide(sum[r][c], v, &wide[r]);
        }
    for (unsigned r = 0; r < rows; r++)
        for (unsigned c = 0; c < blocks; c++) {
            uint8_t *dst = p->dst[r] + at + c * VECTOR_BYTES;
            __m512i v = add(sum[r][c], product(swap(sum[r][c]), form));
            _mm512_storeu_si512(dst, p->add ? add(v, _mm512_loadu_si512(dst)) : v);
        }
}

/* Low bytes and high bytes of two blocks, or of one. */
struct pair {
    __m512i low, high;
};

INLINE __m256i load_half(const uint8_t *p)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

INLINE void store_half(uint8_t *p, __m256i v)
{
    _mm256_storeu_si256((__m256i *)(void *)p, v);
}

INLINE struct pair load_pair(const uint8_t *p, const unsigned blocks)
{
    __m512i low = _mm512_zextsi256_si512(load_half(p));
    __m512i high = _mm512_zextsi256_si512(load_half(p + 32));
    if (blocks == 2) {
        low = _mm512_inserti64x4(low, load_half(p + 64), 1);
        high = _mm512_inserti64x4(high, load_half(p + 96), 1);
    }
    return (struct pair){low, high};
}

INLINE void store_pair(uint8_t *p, struct pair v, const unsigned blocks)
{
    store_half(p, _mm512_castsi512_si256(v.low));
    store_half(p + 32, _mm512_castsi512_si256(v.high));
    if (blocks == 2) {
        store_half(p + 64, _mm512_extracti64x4_epi64(v.low, 1));
        store_half(p + 96, _mm512_extracti64x4_epi64(v.high, 1));
    }
}

/* Low bytes of two blocks are one vector here, high bytes another: so three products do for four,
 * (t0 + t1 b)(l + h b) = t0 l + t1 c h + ((t0 + t1)(l + h) + t0 l) b. */
INLINE void many_rows(const struct part *p, const unsigned rows, const unsigned blocks, size_t at)
{
    struct pair sum[GROUP_ROWS];
    const struct triple *t = p->triple;
    for (unsigned r = 0; r < rows; r++)
        sum[r].low = sum[r].high = _mm512_setzero_si512();
    for (unsigned i = 0; i < p->sources; i++, t += rows) {
        struct pair v = load_pair(p->src[i] + at, blocks);
        v.low = add_narrow(v.low, v.high, p->form);
        __m512i both = add(v.low, v.high);
        for (unsigned r = 0; r < rows; r++) {
            __m512i low = product(v.low, all(t[r].low));
            sum[r].low =
                _mm512_ternarylogic_epi64(sum[r].low, low, product(v.high, all(t[r].high)), XOR3);
            sum[r].high =
                _mm512_ternarylogic_epi64(sum[r].high, low, product(both, all(t[r].both)), XOR3);
        }
    }
    for (unsigned r = 0; r < rows; r++) {
        uint8_t *dst = p->dst[r] + at;
        sum[r].low = add_narrow(sum[r].low, sum[r].high, p->form);
        if (p->add) {
            struct pair old = load_pair(dst, blocks);
            sum[r].low = add(sum[r].low, old.low);
            sum[r].high = add(sum[r].high, old.high);
        }
        store_pair(dst, sum[r], blocks);
    }
}

#define ROWS(count, kind, blocks)                                                                  \
    static void rows_##count(const struct part *p, size_t size_bytes)                              \
    {                                                                                              \
        size_t at = 0;                                                                             \
        for (; at + (blocks)*VECTOR_BYTES <= size_bytes; at += (blocks)*VECTOR_BYTES)              \
            kind(p, count, blocks, at);                                                            \
        for (; at < size_bytes; at += VECTOR_BYTES)                                                \
            kind(p, count, 1, at);                                                                 \
    }

ROWS(1, few_rows, 4)
ROWS(2, few_rows, 4)
ROWS(4, many_rows, 2)
ROWS(8, many_rows, 2)

static void run_rows(const struct part *p, unsigned rows, size_t size_bytes)
{
    switch (rows) {
    case 1:
        rows_1(p, size_bytes);
        break;
    case 2:
        rows_2(p, size_bytes);
        break;
    case 4:
        rows_4(p, size_bytes);
        break;
    default:
        rows_8(p, size_bytes);
        break;
    }
}

/* Rows `row`.. of a dense product; 1, 2, 4 or 8 of them. */
static void group(struct part *p, const struct lm_gf16_map *map, const struct lm_gf_rows *at,
                  unsigned row, unsigned rows)
{
    for (unsigned r = 0; r < rows; r++)
        p->dst[r] = at->dst[row + r] + at->dst_at;
    for (unsigned first = 0; first < map->sources; first += MAX_SOURCES) {
        unsigned left = map->sources - first;
        p->sources = left < MAX_SOURCES ? left : MAX_SOURCES;
        for (unsigned i = 0; i < p->sources; i++)
            p->src[i] = at->src[first + i] + at->src_at;
        const uint16_t *coefficients = map->coefficients + (size_t)first * map->stride + row;
        if (rows <= 2)
            expand_wide(p, map, coefficients, rows);
        else
            expand_triples(p, map, coefficients, rows);
        run_rows(p, rows, at->size_bytes);
        p->add = true;
    }
}

void lm_gf16_apply_gfni512(const struct lm_gf16_map *map, const struct lm_gf_rows *rows,
                           bool add_to_dst)
{
    struct part p;
    unsigned count = GROUP_ROWS;
    p.form = map->field->form_affine;
    for (unsigned row = 0; row < map->rows; row += count) {
        while (count > map->rows - row)
            count /= 2;
        p.add = add_to_dst;
        group(&p, map, rows, row, count);
    }
}
