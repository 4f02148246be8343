/* GF(2^16): stages of transforms, and dense products of rows. */
#include "checkdsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/gf16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = LM_GF16_BLOCK_BYTES,
    BLOCK_WORDS = BLOCK / 2,
    MAX_ROWS = LM_GF16_STAGE_ROWS,
    MAX_BLOCKS = 3,
    MAX_RESULTS = MAX_BLOCKS * MAX_ROWS,
    MAX_SOURCES = 70,
    MAX_COLUMNS = 9,
    MAX_SIZE = 24 * BLOCK,
    MAX_WORDS = MAX_SIZE / 2,
    MARGIN = 256,
    AREA_BYTES = (65536 << 5) + 16 * BLOCK + MARGIN,
};

/* An area with its surroundings, which are to stay as they are. */
struct memory {
    struct guarded pages;
    struct lm_gf16_area area;
    uint8_t *window;
    size_t size;
    uint8_t saved[AREA_BYTES], expected[AREA_BYTES];
};

struct fixture {
    struct guarded source[MAX_SOURCES], result[MAX_RESULTS];
    const uint8_t *src[MAX_SOURCES];
    uint8_t *dst[MAX_RESULTS];
    uint8_t *at[MAX_RESULTS]; /* where dst's row lies */
    uint8_t saved[MAX_RESULTS][MAX_SIZE];
    uint16_t words[MAX_SOURCES][MAX_WORDS];
    uint16_t expected[MAX_RESULTS][MAX_WORDS];
    uint16_t coefficients[MAX_SOURCES * (MAX_ROWS + 3)];
    struct lm_gf_rows rows;
    struct memory from, to;
    uint16_t stage_words[AREA_BYTES / 2]; /* row by row */
};

enum operation { INVERSE_IN = 1, INVERSE, FORWARD, FORWARD_OUT };
static const char *const operation_name[] = {"", "inverse_in", "inverse", "forward", "forward_out"};

struct stage_case {
    struct lm_gf16_stage s;
    enum operation operation;
    bool add, in_place;
};

static uint16_t element(uint16_t label)
{
    static const uint16_t basis[16] = {0x0001, 0xACCA, 0x3C0E, 0x163E, 0xC582, 0xED2E,
                                       0x914C, 0x4012, 0x6C98, 0x10D8, 0x6A72, 0xB900,
                                       0xFDB8, 0xFB34, 0xFF38, 0x991E};
    uint16_t sum = 0;
    for (unsigned bit = 0; bit < 16; bit++)
        sum ^= label >> bit & 1 ? basis[bit] : 0;
    return sum;
}

/* The field itself: to polynomials, shift and reduce. */
static uint16_t slow_element_product(uint16_t a, uint16_t b)
{
    unsigned product = 0, shifted = element(a);
    for (unsigned left = element(b); left; left >>= 1) {
        if (left & 1)
            product ^= shifted;
        shifted = shifted << 1 ^ (shifted & 0x8000 ? 0x1002d : 0);
    }
    return (uint16_t)product;
}

static void check_field(void)
{
    lm_gf16_field();
    const uint16_t *log = lm_gf16_log_table();
    LM_CHECK(log[0] == 0 && log[1] == 0);
    for (unsigned a = 1; a < 65536; a++) {
        uint16_t label = (uint16_t)a, random = (uint16_t)(rand() >> 7);
        LM_CHECK(log[a] == lm_gf16_log(label) && lm_gf16_exp(log[a]) == label);
        LM_CHECK(lm_gf16_exp(log[a] + 65535u) == label);
        LM_CHECK(lm_gf16_multiply(label, lm_gf16_inverse(label)) == 1);
        LM_CHECK(lm_gf16_multiply(label, 0) == 0 && lm_gf16_multiply(0, label) == 0);
        LM_CHECK(element(lm_gf16_multiply(label, random)) == slow_element_product(label, random));
    }
}

/* Tower form writes a word as low + high * (label 0x100). */
static uint16_t change_form(uint16_t w)
{
    return w ^ (lm_gf16_multiply(0x100, w >> 8) & 0xff);
}

/* Megabytes of random bytes, from a few of rand()'s. */
static void quick_fill(uint8_t *at, size_t size)
{
    static uint64_t state;
    state += 2 * (uint64_t)rand() + 1;
    for (size_t i = 0; i < size; i += sizeof state) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        memcpy(at + i, &state, size - i < sizeof state ? size - i : sizeof state);
    }
}

static size_t words_of(const struct fixture *f)
{
    return f->rows.size_bytes / 2;
}

static void read_block(const uint8_t *at, bool tower, uint16_t *words)
{
    for (size_t i = 0; i < BLOCK_WORDS; i++) {
        words[i] = (uint16_t)(at[i] | at[BLOCK_WORDS + i] << 8);
        words[i] = tower ? change_form(words[i]) : words[i];
    }
}

static void read_words(const struct fixture *f, const uint8_t *at, uint16_t *words)
{
    for (size_t i = 0; i < words_of(f); i += BLOCK_WORDS)
        read_block(at + i * 2, false, words + i);
}

static bool words_equal(const struct fixture *f, const uint8_t *at, const uint16_t *words)
{
    static uint16_t got[MAX_WORDS];
    read_words(f, at, got);
    return memcmp(got, words, words_of(f) * 2) == 0;
}

static uint16_t random_constant(bool narrow)
{
    unsigned kind = (unsigned)rand() % 8;
    uint16_t any = (uint16_t)(rand() >> 7);
    if (kind < 2)
        return (uint16_t)kind;
    return narrow ? any & 255 : any;
}

/* Somewhere in its pages, mostly at one of the ends. */
static uint8_t *random_place(const struct guarded *g, size_t size)
{
    uint8_t *at = place(g, size, rand() & 1);
    size_t shift = rand() & 1 ? (size_t)rand() % 64 : 0;
    return at == g->start ? at + shift : at - shift;
}

static void place_sources(struct fixture *f, unsigned count, bool may_lack)
{
    f->rows.src = f->src;
    for (unsigned r = 0; r < count; r++) {
        quick_fill(f->source[r].start, f->source[r].size);
        f->src[r] = may_lack && rand() % 4 == 0
                        ? NULL
                        : random_place(&f->source[r], f->rows.size_bytes) - f->rows.src_at;
    }
}

static void place_results(struct fixture *f, unsigned count, bool may_lack)
{
    f->rows.dst = f->dst;
    for (unsigned r = 0; r < count; r++) {
        f->at[r] = random_place(&f->result[r], f->rows.size_bytes);
        f->dst[r] = may_lack && rand() % 4 == 0 ? NULL : f->at[r] - f->rows.dst_at;
        quick_fill(f->saved[r], f->rows.size_bytes);
    }
}

/* Before each kernel. */
static void reset_results(struct fixture *f, unsigned count)
{
    for (unsigned r = 0; r < count; r++) {
        memset(f->result[r].start, CANARY, f->result[r].size);
        if (f->dst[r])
            memcpy(f->at[r], f->saved[r], f->rows.size_bytes);
    }
}

static bool results_hold(const struct fixture *f, unsigned count)
{
    for (unsigned r = 0; r < count; r++) {
        bool wanted = f->dst[r];
        if (!only_touched(&f->result[r], f->at[r], wanted ? f->rows.size_bytes : 0))
            return false;
        if (wanted && !words_equal(f, f->at[r], f->expected[r]))
            return false;
    }
    return true;
}

static void random_rows(struct fixture *f, size_t blocks)
{
    f->rows.size_bytes = blocks * BLOCK;
    f->rows.src_at = (size_t)rand() % 100;
    f->rows.dst_at = (size_t)rand() % 100;
}

static size_t rows_of(const struct lm_gf16_stage *s)
{
    return (size_t)s->blocks << (s->first + s->levels);
}

static void random_area(struct memory *m, size_t rows, size_t columns)
{
    bool at_end = rand() & 1;
    m->area.column_bytes = (rows + (size_t)rand() % 16) * BLOCK;
    m->size = (columns - 1) * m->area.column_bytes + rows * BLOCK + MARGIN;
    m->window = place(&m->pages, m->size, at_end);
    m->area.memory = m->window + (at_end ? MARGIN : 0);
    quick_fill(m->saved, m->size);
}

/* Where a block of the area lies in a copy of the window. */
static size_t block_in(const struct memory *m, size_t column, size_t row)
{
    return (size_t)(m->area.memory - m->window) + column * m->area.column_bytes + row * BLOCK;
}

static void read_stage(struct fixture *f, const struct stage_case *c)
{
    const struct memory *m = c->in_place ? &f->to : &f->from;
    uint16_t *words = f->stage_words;
    for (size_t r = 0; r < rows_of(&c->s); r++)
        for (size_t column = 0; column < c->s.columns; column++, words += BLOCK_WORDS)
            if (c->operation != INVERSE_IN)
                read_block(m->saved + block_in(m, column, r), true, words);
            else if (f->src[r])
                read_block(f->src[r] + f->rows.src_at + column * BLOCK, false, words);
            else
                memset(words, 0, BLOCK);
}

static void define_level(struct fixture *f, const struct stage_case *c, unsigned level)
{
    size_t row_words = (size_t)c->s.columns * BLOCK_WORDS;
    for (size_t r = 0; r < rows_of(&c->s); r++) {
        uint16_t *lower = f->stage_words + r * row_words;
        uint16_t *upper = f->stage_words + (r | (size_t)1 << level) * row_words;
        uint16_t t = (uint16_t)((c->s.point >> level) + 2 * (r >> (level + 1)));
        for (size_t i = 0; lower != upper && i < row_words; i++) {
            if (c->operation <= INVERSE)
                upper[i] ^= lower[i];
            lower[i] ^= lm_gf16_multiply(t, upper[i]);
            if (c->operation > INVERSE)
                upper[i] ^= lower[i];
        }
    }
}

static void expect_block(struct fixture *f, const struct stage_case *c, size_t column, size_t row)
{
    uint16_t before[BLOCK_WORDS] = {0};
    const uint16_t *words = f->stage_words + (row * c->s.columns + column) * BLOCK_WORDS;
    size_t at = block_in(&f->to, column, row);
    if (c->add)
        read_block(f->to.saved + at, true, before);
    for (size_t i = 0; i < BLOCK_WORDS; i++) {
        uint16_t scale = c->operation == INVERSE || c->operation == INVERSE_IN ? c->s.scale : 1;
        uint16_t w = change_form(lm_gf16_multiply(scale, words[i]) ^ before[i]);
        f->to.expected[at + i] = (uint8_t)w;
        f->to.expected[at + BLOCK_WORDS + i] = (uint8_t)(w >> 8);
    }
}

static void define_stage(struct fixture *f, const struct stage_case *c)
{
    read_stage(f, c);
    for (unsigned i = 0; i < c->s.levels; i++)
        define_level(f, c, c->s.first + (c->operation <= INVERSE ? i : c->s.levels - 1 - i));
    if (c->operation == FORWARD_OUT) {
        for (size_t r = 0; r < rows_of(&c->s); r++)
            memcpy(f->expected[r], f->stage_words + r * words_of(f), words_of(f) * 2);
        return;
    }
    memcpy(f->to.expected, f->to.saved, f->to.size);
    for (size_t r = 0; r < rows_of(&c->s); r++)
        for (size_t column = 0; column < c->s.columns; column++)
            expect_block(f, c, column, r);
}

static void run_stage(const struct lm_gf16_kernel *kernel, const struct stage_case *c,
                      struct fixture *f)
{
    const struct lm_gf16_area *from = c->in_place ? &f->to.area : &f->from.area;
    if (c->operation == INVERSE_IN)
        kernel->inverse_in(&c->s, f->src, f->rows.src_at, &f->to.area, c->add);
    else if (c->operation == INVERSE)
        kernel->inverse(&c->s, from, &f->to.area, c->add);
    else if (c->operation == FORWARD)
        kernel->forward(&c->s, from, &f->to.area);
    else
        kernel->forward_out(&c->s, from, f->dst, f->rows.dst_at);
}

/* All of both windows, and the rows that were handed out. */
static bool stage_holds(const struct fixture *f, const struct stage_case *c)
{
    if (c->operation != INVERSE_IN && memcmp(f->from.window, f->from.saved, f->from.size) != 0)
        return false;
    if (c->operation == FORWARD_OUT)
        return results_hold(f, (unsigned)rows_of(&c->s));
    return memcmp(f->to.window, f->to.expected, f->to.size) == 0;
}

static void check_stage(struct fixture *f, const struct stage_case *c)
{
    size_t count;
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    unsigned rows = (unsigned)rows_of(&c->s);
    random_rows(f, c->s.columns);
    if (c->operation == INVERSE_IN)
        place_sources(f, rows, true);
    if (c->operation == FORWARD_OUT)
        place_results(f, rows, true);
    random_area(&f->from, rows, c->s.columns);
    random_area(&f->to, rows, c->s.columns);
    define_stage(f, c);
    for (size_t k = 0; k < count; k++) {
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        memcpy(f->from.window, f->from.saved, f->from.size);
        memcpy(f->to.window, f->to.saved, f->to.size);
        if (c->operation == FORWARD_OUT)
            reset_results(f, rows);
        run_stage(&kernels[k], c, f);
        if (!stage_holds(f, c)) {
            printf(
                "FAIL %s %s: first %u, levels %u, point 0x%x, blocks %u, columns %u, scale 0x%x, "
                "add %d, in place %d\n",
                kernels[k].name, operation_name[c->operation], c->s.first, c->s.levels, c->s.point,
                c->s.blocks, c->s.columns, c->s.scale, c->add, c->in_place);
            exit(1);
        }
    }
}

/* Each length of point is as likely, so that 0 to all levels are wide; or just before one more is.
 */
static uint32_t random_point(unsigned levels)
{
    unsigned kind = (unsigned)rand() % 6, bits = levels + (unsigned)rand() % (17 - levels);
    uint32_t point = (uint32_t)(rand() >> 7) & ((1u << bits) - 1);
    if (kind == 0 || bits == levels)
        return 0;
    if (kind == 1) /* labels of a single bit */
        return 1u << (bits - 1);
    if (kind == 2)
        return (1u << (bits - 1)) - (1u << levels);
    return (point | 1u << (bits - 1)) >> levels << levels;
}

static void check_random_stage(struct fixture *f, enum operation operation, unsigned levels,
                               unsigned max_levels)
{
    struct stage_case c = {.operation = operation};
    c.s.field = lm_gf16_field();
    c.s.levels = levels;
    if (operation == INVERSE || operation == FORWARD)
        c.s.first = (unsigned)rand() % (max_levels + 1 - levels);
    c.s.point = random_point(c.s.first + levels);
    c.s.blocks = 1 + (uint32_t)rand() % MAX_BLOCKS;
    while (c.s.point + rows_of(&c.s) > 65536 ||
           (c.s.blocks > 1 && rows_of(&c.s) > 1u << max_levels))
        c.s.blocks--;
    size_t most = (AREA_BYTES - MARGIN) / ((rows_of(&c.s) + 15) * BLOCK);
    c.s.columns = 1 + (uint32_t)rand() % MAX_COLUMNS;
    c.s.columns = c.s.columns > most ? (uint32_t)most : c.s.columns;
    c.s.scale = rand() & 1 ? random_constant(rand() & 1) : 1;
    c.s.scale = c.s.scale ? c.s.scale : 1;
    c.add = operation <= INVERSE && rand() & 1;
    c.in_place = (operation == INVERSE || operation == FORWARD) && !c.add && rand() & 1;
    check_stage(f, &c);
}

static unsigned random_levels(unsigned most)
{
    return 1 + (unsigned)rand() % (most < LM_GF16_STAGE_LEVELS ? most : LM_GF16_STAGE_LEVELS);
}

/* Cut into stages at random. */
static void whole_inverse(const struct lm_gf16_kernel *kernel, struct lm_gf16_stage s,
                          unsigned levels, const uint8_t *const src[], struct lm_gf16_area area)
{
    for (s.first = 0; s.first < levels; s.first += s.levels) {
        s.levels = random_levels(levels - s.first);
        s.blocks = rand() & 1 ? 1 : 1u << (levels - s.first - s.levels);
        for (size_t row = 0; row < (size_t)1 << levels; row += rows_of(&s)) {
            struct lm_gf16_stage part = s;
            struct lm_gf16_area at = {area.memory + row * BLOCK, area.column_bytes};
            part.point += (uint32_t)row;
            if (s.first == 0)
                kernel->inverse_in(&part, src + row, 0, &at, false);
            else
                kernel->inverse(&part, &at, &at, false);
        }
    }
}

static void whole_forward(const struct lm_gf16_kernel *kernel, struct lm_gf16_stage s,
                          unsigned levels, struct lm_gf16_area area, uint8_t *const dst[])
{
    for (s.first = levels; s.first > 0;) {
        s.levels = random_levels(s.first);
        s.first -= s.levels;
        s.blocks = rand() & 1 ? 1 : 1u << (levels - s.first - s.levels);
        for (size_t row = 0; row < (size_t)1 << levels; row += rows_of(&s)) {
            struct lm_gf16_stage part = s;
            struct lm_gf16_area at = {area.memory + row * BLOCK, area.column_bytes};
            part.point += (uint32_t)row;
            if (s.first == 0)
                kernel->forward_out(&part, &at, dst + row, 0);
            else
                kernel->forward(&part, &at, &at);
        }
    }
}

/* Each cut of a transform into stages gives the same, and forward takes inverse back. */
static void check_cuts(struct fixture *f, unsigned levels)
{
    enum { MOST = 512, COLUMNS = 3 };
    static uint8_t plain[2][MOST][COLUMNS * BLOCK];
    static const uint8_t *src[MOST];
    static uint8_t *dst[MOST];
    struct lm_gf16_stage s = {
        .field = lm_gf16_field(), .blocks = 1, .columns = COLUMNS, .scale = 1};
    size_t count, rows = (size_t)1 << levels;
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    s.point = random_point(levels);
    quick_fill(plain[0][0], sizeof plain[0]);
    for (size_t r = 0; r < rows; r++) {
        src[r] = plain[0][r];
        dst[r] = plain[1][r];
    }
    random_area(&f->to, rows, COLUMNS);
    for (size_t k = 0; k < count; k++) {
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        for (int cut = 0; cut < 2; cut++) {
            memcpy(f->to.window, f->to.saved, f->to.size);
            whole_inverse(&kernels[k], s, levels, src, f->to.area);
            if (k == 0 && cut == 0)
                memcpy(f->to.expected, f->to.window, f->to.size);
            bool same = memcmp(f->to.expected, f->to.window, f->to.size) == 0;
            memset(plain[1], CANARY, sizeof plain[1]);
            whole_forward(&kernels[k], s, levels, f->to.area, dst);
            if (!same || memcmp(plain[0], plain[1], rows * sizeof plain[0][0]) != 0) {
                printf("FAIL %s: a cut of %u levels at 0x%x, %s\n", kernels[k].name, levels,
                       s.point, same ? "forward" : "inverse");
                exit(1);
            }
        }
    }
}

static void define_apply(struct fixture *f, const struct lm_gf16_map *map, bool add)
{
    for (unsigned i = 0; i < map->sources; i++)
        read_words(f, f->src[i] + f->rows.src_at, f->words[i]);
    for (unsigned r = 0; r < map->rows; r++) {
        read_words(f, f->saved[r], f->expected[r]);
        for (size_t w = 0; w < words_of(f); w++) {
            uint16_t sum = add ? f->expected[r][w] : 0;
            for (unsigned i = 0; i < map->sources; i++)
                sum ^= lm_gf16_multiply(map->coefficients[i * map->stride + r], f->words[i][w]);
            f->expected[r][w] = sum;
        }
    }
}

static void check_apply(struct fixture *f, const struct lm_gf16_map *map, bool add)
{
    size_t count;
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    bool in_place = map->rows == 1 && map->sources == 1 && rand() & 1;
    place_sources(f, map->sources, false);
    place_results(f, map->rows, false);
    if (in_place)
        memcpy(f->saved[0], f->src[0] + f->rows.src_at, f->rows.size_bytes);
    define_apply(f, map, add);
    for (size_t k = 0; k < count; k++) {
        const uint8_t *self[1] = {f->at[0] - f->rows.src_at};
        struct lm_gf_rows at = f->rows;
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        reset_results(f, map->rows);
        at.src = in_place ? self : f->src;
        kernels[k].apply(map, &at, add);
        if (!results_hold(f, map->rows)) {
            printf("FAIL %s apply: %u rows, %u sources, %zu bytes, add %d\n", kernels[k].name,
                   map->rows, map->sources, at.size_bytes, add);
            exit(1);
        }
    }
}

static void check_random_apply(struct fixture *f, unsigned max_rows, unsigned max_sources,
                               size_t max_blocks)
{
    random_rows(f, 1 + (size_t)rand() % max_blocks);
    unsigned kind = (unsigned)rand() % 8; /* 0: all ones, 1: all narrow */
    struct lm_gf16_map map = {
        .field = lm_gf16_field(),
        .coefficients = f->coefficients,
        .rows = 1 + (unsigned)rand() % max_rows,
        .sources = 1 + (unsigned)rand() % max_sources,
    };
    map.stride = map.rows + (unsigned)rand() % 3;
    for (unsigned i = 0; i < map.sources * map.stride; i++)
        f->coefficients[i] = kind ? random_constant(kind == 1) : 1;
    check_apply(f, &map, rand() & 1);
}

static void check_stages(struct fixture *f)
{
    f->from.pages = guarded_of(AREA_BYTES);
    f->to.pages = guarded_of(AREA_BYTES);
    for (unsigned run = 0; run < 60; run++)
        for (unsigned levels = 1; levels <= LM_GF16_STAGE_LEVELS; levels++)
            for (enum operation o = INVERSE_IN; o <= FORWARD_OUT; o++)
                check_random_stage(f, o, levels, run % 20 ? 9 : 12);
    check_random_stage(f, rand() & 1 ? INVERSE : FORWARD, random_levels(4), 15);
    for (unsigned run = 0; run < 4; run++)
        for (unsigned levels = 1; levels <= 9; levels++)
            check_cuts(f, levels);
}

void check_gf16(void)
{
    static struct fixture f;
    check_field();
    for (unsigned i = 0; i < MAX_SOURCES; i++)
        f.source[i] = guarded_new();
    for (unsigned i = 0; i < MAX_RESULTS; i++)
        f.result[i] = guarded_new();
    check_stages(&f);
    for (unsigned run = 0; run < 200; run++) {
        check_random_apply(&f, 1, 1, 5);
        check_random_apply(&f, 1, MAX_SOURCES, 5);
        check_random_apply(&f, MAX_ROWS, 5, 9);
    }
    for (unsigned run = 0; run < 2; run++)
        check_random_apply(&f, MAX_ROWS, MAX_SOURCES, MAX_SIZE / BLOCK);
}
