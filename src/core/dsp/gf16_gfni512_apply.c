/* Dense products. */
#include "core/dsp/gf16_gfni512.h"

enum {
    GROUP_ROWS = 8, /* at a time */
    MAX_SOURCES = 32,
};

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
            sum[r].low = add3(sum[r].low, low, product(v.high, all(t[r].high)));
            sum[r].high = add3(sum[r].high, low, product(both, all(t[r].both)));
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
