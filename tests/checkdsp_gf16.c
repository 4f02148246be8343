/* GF(2^16): butterflies and dense products of rows. */
#include "checkdsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/gf16.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ROWS    LM_BUTTERFLY_MAX_ROWS
#define MAX_SOURCES 70
#define MAX_STRIDE  3
#define MAX_SIZE    1536
#define MAX_WORDS   (MAX_SIZE / 2)
#define BLOCK       LM_GF16_BLOCK_BYTES

struct fixture {
    struct guarded source[MAX_SOURCES], result[MAX_ROWS];
    const uint8_t *src[MAX_SOURCES * MAX_STRIDE];
    uint8_t *dst[MAX_ROWS * MAX_STRIDE];
    uint8_t *at[MAX_ROWS]; /* where dst's row lies */
    uint8_t saved[MAX_ROWS][MAX_SIZE];
    uint16_t words[MAX_SOURCES][MAX_WORDS];
    uint16_t expected[MAX_ROWS][MAX_WORDS];
    uint16_t coefficients[MAX_SOURCES * (MAX_ROWS + 3)];
    struct lm_gf_rows rows;
};

struct butterfly_case {
    struct lm_butterflies b;
    bool inverse, add;
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

static size_t words_of(const struct fixture *f)
{
    return f->rows.size_bytes / 2;
}

static void read_words(const struct fixture *f, const uint8_t *at, bool tower, uint16_t *words)
{
    for (size_t i = 0; i < words_of(f); i++) {
        const uint8_t *low = at + i / 32 * BLOCK + i % 32;
        words[i] = (uint16_t)(low[0] | low[32] << 8);
        words[i] = tower ? change_form(words[i]) : words[i];
    }
}

static bool words_equal(const struct fixture *f, const uint8_t *at, bool tower,
                        const uint16_t *words)
{
    static uint16_t got[MAX_WORDS];
    read_words(f, at, tower, got);
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
        fill(f->source[r].start, f->source[r].size);
        f->src[r * f->rows.stride] =
            may_lack && rand() % 4 == 0
                ? NULL
                : random_place(&f->source[r], f->rows.size_bytes) - f->rows.src_at;
    }
}

static void place_results(struct fixture *f, unsigned count, bool may_lack)
{
    f->rows.dst = f->dst;
    for (unsigned r = 0; r < count; r++) {
        f->at[r] = random_place(&f->result[r], f->rows.size_bytes);
        f->dst[r * f->rows.stride] = may_lack && rand() % 4 == 0 ? NULL : f->at[r] - f->rows.dst_at;
        fill(f->saved[r], f->rows.size_bytes);
    }
}

/* Before each kernel. */
static void reset_results(struct fixture *f, unsigned count)
{
    for (unsigned r = 0; r < count; r++) {
        memset(f->result[r].start, CANARY, f->result[r].size);
        if (f->dst[r * f->rows.stride])
            memcpy(f->at[r], f->saved[r], f->rows.size_bytes);
    }
}

static bool results_hold(const struct fixture *f, unsigned count, bool tower)
{
    for (unsigned r = 0; r < count; r++) {
        bool wanted = f->dst[r * f->rows.stride];
        if (!only_touched(&f->result[r], f->at[r], wanted ? f->rows.size_bytes : 0))
            return false;
        if (wanted && !words_equal(f, f->at[r], tower, f->expected[r]))
            return false;
    }
    return true;
}

static void define_level(struct fixture *f, const struct butterfly_case *c, unsigned level)
{
    unsigned rows = 1u << c->b.levels;
    for (unsigned r = 0; r < rows; r++) {
        uint16_t *lower = f->words[r], *upper = f->words[r | 1u << level];
        uint16_t t = c->b.twiddle[(1u << (c->b.levels - 1 - level)) - 1 + (r >> (level + 1))];
        for (size_t i = 0; lower != upper && i < words_of(f); i++) {
            if (c->inverse)
                upper[i] ^= lower[i];
            lower[i] ^= lm_gf16_multiply(t, upper[i]);
            if (!c->inverse)
                upper[i] ^= lower[i];
        }
    }
}

static void define_butterflies(struct fixture *f, const struct butterfly_case *c)
{
    unsigned rows = 1u << c->b.levels;
    for (unsigned r = 0; r < rows; r++) {
        const uint8_t *src = f->src[r * f->rows.stride];
        if (src)
            read_words(f, src + f->rows.src_at, c->b.tower_src, f->words[r]);
        else
            memset(f->words[r], 0, sizeof f->words[r]);
    }
    for (unsigned i = 0; i < c->b.levels; i++)
        define_level(f, c, c->inverse ? i : c->b.levels - 1 - i);
    for (unsigned r = 0; r < rows; r++) {
        uint16_t before[MAX_WORDS];
        read_words(f, f->saved[r], c->b.tower_dst, before);
        for (size_t i = 0; i < words_of(f); i++) {
            uint16_t w = f->words[r][i];
            w = c->inverse ? lm_gf16_multiply(c->b.scale, w) : w;
            f->expected[r][i] = c->add ? w ^ before[i] : w;
        }
    }
}

static void check_butterflies(struct fixture *f, const struct butterfly_case *c)
{
    size_t count;
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    unsigned rows = 1u << c->b.levels;
    place_sources(f, rows, true);
    place_results(f, rows, true);
    for (unsigned r = 0; r < rows && !c->add; r++)
        if (f->src[r * f->rows.stride] && rand() % 3 == 0) /* in place */
            memcpy(f->saved[r], f->src[r * f->rows.stride] + f->rows.src_at, f->rows.size_bytes);
        else
            f->saved[r][0] ^= 1;
    define_butterflies(f, c);
    for (size_t k = 0; k < count; k++) {
        const uint8_t *src[MAX_ROWS * MAX_STRIDE];
        struct lm_gf_rows at = f->rows;
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        reset_results(f, rows);
        memcpy(src, f->src, sizeof src);
        at.src = src;
        for (unsigned r = 0; r < rows && !c->add; r++)
            if (src[r * at.stride] && f->dst[r * at.stride] &&
                !memcmp(f->saved[r], src[r * at.stride] + at.src_at, at.size_bytes))
                src[r * at.stride] = f->at[r] - at.src_at;
        if (c->inverse)
            kernels[k].inverse(&c->b, &at, c->add);
        else
            kernels[k].forward(&c->b, &at);
        if (!results_hold(f, rows, c->b.tower_dst)) {
            printf("FAIL %s %s: levels %u, %zu bytes, add %d, scale %u, tower %d %d\n",
                   kernels[k].name, c->inverse ? "inverse" : "forward", c->b.levels, at.size_bytes,
                   c->add, c->b.scale, c->b.tower_src, c->b.tower_dst);
            exit(1);
        }
    }
}

static void random_rows(struct fixture *f, size_t max_blocks)
{
    f->rows.size_bytes = (1 + (size_t)rand() % max_blocks) * BLOCK;
    f->rows.stride = 1 + (size_t)rand() % MAX_STRIDE;
    f->rows.stripes = (size_t)rand() & 1; /* 0 means 1 */
    f->rows.src_at = (size_t)rand() % 100;
    f->rows.dst_at = (size_t)rand() % 100;
}

static void check_random_butterflies(struct fixture *f, unsigned levels, size_t max_blocks)
{
    struct butterfly_case c = {.b.levels = levels, .inverse = rand() & 1};
    unsigned narrow = (unsigned)rand(), mixed = rand() % 4 == 0;
    random_rows(f, max_blocks);
    c.b.field = lm_gf16_field();
    c.b.tower_src = rand() & 1;
    c.b.tower_dst = rand() & 1;
    c.add = c.inverse && rand() & 1;
    c.b.scale = rand() & 1 ? random_constant(rand() & 1) : 1;
    c.b.scale = c.b.scale ? c.b.scale : 1;
    for (unsigned l = 0; l < levels; l++)
        for (unsigned b = 0; b < 1u << (levels - 1 - l); b++)
            c.b.twiddle[(1u << (levels - 1 - l)) - 1 + b] =
                random_constant(mixed ? rand() & 1 : narrow >> l & 1);
    check_butterflies(f, &c);
}

/* Several sets of rows in one call: as one after the other. */
static void check_stripes(unsigned levels, bool is_inverse)
{
    enum { SETS = 5, PITCH = 5 * BLOCK };
    static uint8_t memory[2][MAX_ROWS * SETS * PITCH];
    uint8_t *row[2][MAX_ROWS * SETS];
    size_t count;
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    struct lm_butterflies b = {
        .field = lm_gf16_field(), .levels = levels, .scale = random_constant(false) | 1};
    struct lm_gf_rows rows = {.stride = SETS, .size_bytes = PITCH};
    for (unsigned i = 0; i < LM_ARRAY_LEN(b.twiddle); i++)
        b.twiddle[i] = random_constant(rand() & 1);
    for (size_t k = 0; k < count; k++) {
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        fill(memory[0], sizeof memory[0]);
        memcpy(memory[1], memory[0], sizeof memory[0]);
        for (unsigned way = 0; way < 2; way++) {
            for (unsigned r = 0; r < MAX_ROWS * SETS; r++)
                row[way][r] = memory[way] + r * PITCH;
            rows.stripes = way ? 1 : SETS;
            for (unsigned q = 0; q < (way ? SETS : 1u); q++) {
                rows.src = (const uint8_t *const *)row[way] + q;
                rows.dst = row[way] + q;
                if (is_inverse)
                    kernels[k].inverse(&b, &rows, false);
                else
                    kernels[k].forward(&b, &rows);
            }
        }
        if (memcmp(memory[0], memory[1], sizeof memory[0]) != 0) {
            printf("FAIL %s: %u levels, stripes\n", kernels[k].name, levels);
            exit(1);
        }
    }
}

static void define_apply(struct fixture *f, const struct lm_gf16_map *map, bool add)
{
    for (unsigned i = 0; i < map->sources; i++)
        read_words(f, f->src[i] + f->rows.src_at, false, f->words[i]);
    for (unsigned r = 0; r < map->rows; r++) {
        read_words(f, f->saved[r], false, f->expected[r]);
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
        if (!results_hold(f, map->rows, false)) {
            printf("FAIL %s apply: %u rows, %u sources, %zu bytes, add %d\n", kernels[k].name,
                   map->rows, map->sources, at.size_bytes, add);
            exit(1);
        }
    }
}

static void check_random_apply(struct fixture *f, unsigned max_rows, unsigned max_sources,
                               size_t max_blocks)
{
    random_rows(f, max_blocks);
    f->rows.stride = 1;
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

void check_gf16(void)
{
    static struct fixture f;
    check_field();
    for (unsigned i = 0; i < MAX_SOURCES; i++)
        f.source[i] = guarded_new();
    for (unsigned i = 0; i < MAX_ROWS; i++)
        f.result[i] = guarded_new();
    for (unsigned run = 0; run < 200; run++)
        for (unsigned levels = 1; levels <= LM_BUTTERFLY_MAX_LEVELS; levels++)
            check_random_butterflies(&f, levels, run % 20 ? 4 : MAX_SIZE / BLOCK);
    for (unsigned levels = 1; levels <= LM_BUTTERFLY_MAX_LEVELS; levels++) {
        check_stripes(levels, true);
        check_stripes(levels, false);
    }
    for (unsigned run = 0; run < 200; run++) {
        check_random_apply(&f, 1, 1, 5);
        check_random_apply(&f, 1, MAX_SOURCES, 5);
        check_random_apply(&f, MAX_ROWS, 5, 9);
    }
    for (unsigned run = 0; run < 2; run++)
        check_random_apply(&f, MAX_ROWS, MAX_SOURCES, MAX_SIZE / BLOCK);
}

enum { BENCH_BYTES = 1344, BENCH_STRIDE = 1408, BENCH_SOURCES = 1000, BENCH_RUNS = 40 };

struct bench {
    const struct lm_gf16_kernel *kernel;
    struct lm_gf_rows rows;
    struct lm_butterflies b;
    struct lm_gf16_map map; /* without sources: butterflies */
    bool inverse;
};

/* Best time of one call, in nanoseconds. */
static double bench_call(const struct bench *c)
{
    double best = 1e9;
    for (int run = 0; run < BENCH_RUNS; run++) {
        const int repeats = c->map.sources > 1 ? 2 : 20;
        double start = now_s();
        for (int i = 0; i < repeats; i++)
            if (c->map.sources)
                c->kernel->apply(&c->map, &c->rows, false);
            else if (c->inverse)
                c->kernel->inverse(&c->b, &c->rows, false);
            else
                c->kernel->forward(&c->b, &c->rows);
        double each = (now_s() - start) / repeats;
        best = each < best ? each : best;
    }
    return best * 1e9;
}

/* With 0 to all levels wide, from the lowest up. */
static void bench_butterflies(struct bench *c)
{
    for (c->b.levels = 1; c->b.levels <= LM_BUTTERFLY_MAX_LEVELS; c->b.levels++)
        for (int inverse = 1; inverse >= 0; inverse--) {
            c->inverse = inverse;
            printf("%-8s %s, %u levels:", c->kernel->name, inverse ? "inverse" : "forward",
                   c->b.levels);
            for (unsigned wide = 0; wide <= c->b.levels; wide++) {
                for (unsigned i = 0; i < MAX_ROWS - 1; i++)
                    c->b.twiddle[i] = (uint16_t)(2 + i);
                for (unsigned l = 0; l < wide; l++)
                    for (unsigned i = 0; i < 1u << (c->b.levels - 1 - l); i++)
                        c->b.twiddle[(1u << (c->b.levels - 1 - l)) - 1 + i] |= 0x100;
                unsigned blocks = (BENCH_BYTES / BLOCK) << c->b.levels;
                printf(" %7.3f", bench_call(c) / blocks);
            }
            printf("\n");
        }
}

static void bench_apply(struct bench *c, unsigned rows, unsigned sources)
{
    c->map.rows = c->map.stride = rows;
    c->map.sources = sources;
    double each = bench_call(c);
    printf("%-8s apply %2u x %4u: %8.2f GB/s of sources, %.3f ns per row and source\n",
           c->kernel->name, rows, sources, sources * (double)BENCH_BYTES / each,
           each / (BENCH_BYTES / BLOCK) / (rows * (double)sources));
}

/* In nanoseconds per 64 bytes of a row. */
void bench_gf16(void)
{
    static const uint8_t *src[BENCH_SOURCES];
    static uint8_t *dst[BENCH_SOURCES];
    static uint16_t coefficients[BENCH_SOURCES * MAX_ROWS];
    size_t count, bytes = (size_t)BENCH_STRIDE * (BENCH_SOURCES + MAX_ROWS);
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    uint8_t *memory = aligned_alloc(64, bytes);
    LM_CHECK(memory);
    fill(memory, bytes);
    fill((uint8_t *)coefficients, sizeof coefficients);
    for (size_t i = 0; i < BENCH_SOURCES; i++) {
        dst[i] = memory + i * BENCH_STRIDE;
        src[i] = dst[i];
    }
    for (size_t k = 0; k < count; k++) {
        struct bench c = {.kernel = &kernels[k],
                          .rows = {.src = src, .dst = dst, .stride = 1, .size_bytes = BENCH_BYTES}};
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        c.b = (struct lm_butterflies){
            .field = lm_gf16_field(), .scale = 1, .tower_src = true, .tower_dst = true};
        bench_butterflies(&c);
        c.map.coefficients = coefficients;
        c.map.field = lm_gf16_field();
        for (int i = 0; i < MAX_ROWS; i++)
            dst[i] += (size_t)BENCH_STRIDE * BENCH_SOURCES;
        bench_apply(&c, 1, BENCH_SOURCES);
        bench_apply(&c, 2, BENCH_SOURCES);
        bench_apply(&c, 8, 128);
        bench_apply(&c, 16, 128);
        bench_apply(&c, 1, 1);
        for (int i = 0; i < MAX_ROWS; i++)
            dst[i] -= (size_t)BENCH_STRIDE * BENCH_SOURCES;
    }
    free(memory);
}
