/* GF(2^8): the dense product and the additive transforms. */
#include "checkdsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/dsp.h"
#include "core/dsp/gf8_tables.h"
#include "core/fec/code8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_SOURCES 40
#define MAX_ROWS    20
#define MAX_SIZE    1500
#define BENCH_BYTES 1024

#define MAX_TRANSFORM (1 << LM_GF8_MAX_LEVELS)
#define MAX_STRIDE    512
#define MAX_COLUMNS   (MAX_STRIDE - 64)
#define AREA_BYTES    (MAX_TRANSFORM * MAX_STRIDE)

static uint8_t affine_multiply(uint64_t matrix, uint8_t x)
{
    unsigned product = 0;
    for (unsigned bit = 0; bit < 8; bit++)
        product |= (unsigned)__builtin_parityll(matrix >> (8 * (7 - bit)) & x) << bit;
    return (uint8_t)product;
}

static void check_tables(void)
{
    for (unsigned a = 0; a < 256; a++) {
        for (unsigned b = 0; b < 256; b++) {
            uint8_t product = slow_gf8((uint8_t)a, (uint8_t)b);
            LM_CHECK(lm_gf8_multiply((uint8_t)a, (uint8_t)b) == product);
            LM_CHECK(affine_multiply(lm_gf8_affine[a], (uint8_t)b) == product);
            LM_CHECK(!a || !b || lm_gf8_exp[lm_gf8_log[a] + lm_gf8_log[b]] == product);
        }
        LM_CHECK(!a || slow_gf8((uint8_t)a, lm_gf8_inverse((uint8_t)a)) == 1);
    }
}

/* W, which vanishes on the elements below 2^level. */
static uint8_t vanishing(unsigned level, unsigned at)
{
    uint8_t product = 1;
    for (unsigned i = 0; i < 1u << level; i++)
        product = slow_gf8(product, (uint8_t)(at ^ i));
    return product;
}

static void check_twiddles(void)
{
    for (unsigned level = 0; level < 8; level++) {
        uint8_t unit = vanishing(level, 1u << level);
        for (unsigned w = 0; w < 256; w++)
            LM_CHECK(slow_gf8(lm_gf8_twiddles[level][w], unit) == vanishing(level, w));
    }
}

struct bench_case {
    unsigned k, m;
};

struct fixture {
    struct guarded source[MAX_SOURCES], result[MAX_ROWS];
    uint8_t coefficients[MAX_SOURCES * (MAX_ROWS + 3)];
    uint8_t saved[MAX_ROWS][MAX_SIZE], expected[MAX_ROWS][MAX_SIZE];
};

static void define(struct fixture *f, const struct lm_gf8_map *map, const uint8_t *const src[],
                   size_t size)
{
    for (unsigned row = 0; row < map->rows; row++) {
        if (map->add)
            memcpy(f->expected[row], f->saved[row], size);
        else
            memset(f->expected[row], 0, size);
        for (unsigned i = 0; i < map->sources; i++)
            for (size_t b = 0; b < size; b++)
                f->expected[row][b] ^=
                    slow_gf8(map->coefficients[i * map->stride + row], src[i][b]);
    }
}

static void check_one(struct fixture *f, const struct lm_gf8_map *map, size_t size)
{
    const uint8_t *src[MAX_SOURCES];
    uint8_t *dst[MAX_ROWS];
    size_t count;
    const struct lm_gf8_kernel *kernels = lm_gf8_kernels(&count);
    for (unsigned i = 0; i < map->sources; i++) {
        src[i] = place(&f->source[i], size, rand() & 1);
        fill(f->source[i].start, f->source[i].size);
    }
    for (unsigned row = 0; row < map->rows; row++)
        fill(f->saved[row], size);
    define(f, map, src, size);
    for (size_t k = 0; k < count; k++) {
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        for (unsigned row = 0; row < map->rows; row++) {
            memset(f->result[row].start, CANARY, f->result[row].size);
            dst[row] = place(&f->result[row], size, rand() & 1);
            memcpy(dst[row], f->saved[row], size);
        }
        kernels[k].apply(map, src, dst, size);
        for (unsigned row = 0; row < map->rows; row++)
            if (memcmp(dst[row], f->expected[row], size) != 0 ||
                !only_touched(&f->result[row], dst[row], size)) {
                printf("FAIL gf8 %s: %u rows, %u sources, %zu bytes, add %d, row %u\n",
                       kernels[k].name, map->rows, map->sources, size, map->add, row);
                exit(1);
            }
    }
}

static void check_products(void)
{
    static struct fixture f;
    for (unsigned i = 0; i < MAX_SOURCES; i++)
        f.source[i] = guarded_new();
    for (unsigned i = 0; i < MAX_ROWS; i++)
        f.result[i] = guarded_new();
    fill(f.coefficients, sizeof f.coefficients);
    f.coefficients[0] = 0;
    struct lm_gf8_map map = {.coefficients = f.coefficients};
    for (map.rows = 1; map.rows <= MAX_ROWS; map.rows++)
        for (size_t size = 1; size < 300; size += 1 + (size_t)rand() % 40) {
            map.sources = 1 + (unsigned)rand() % 6;
            map.stride = map.rows + (unsigned)rand() % 4;
            check_one(&f, &map, size);
        }
    for (size_t size = 1; size <= 200; size++) {
        map.rows = 1 + (unsigned)rand() % 9;
        map.stride = map.rows;
        map.sources = 1 + (unsigned)rand() % 3;
        check_one(&f, &map, size);
    }
    map.add = true;
    for (map.rows = 1; map.rows <= MAX_ROWS; map.rows++)
        for (size_t size = 64; size <= 640; size += 64 + 64 * ((size_t)rand() % 3)) {
            map.sources = 1 + (unsigned)rand() % 6;
            map.stride = map.rows + (unsigned)rand() % 4;
            check_one(&f, &map, size);
        }
    map.add = false;
    map.rows = map.stride = MAX_ROWS;
    map.sources = MAX_SOURCES;
    check_one(&f, &map, MAX_SIZE);
}

enum direction { INVERSE = 1, FORWARD, SHAPES = 30 };

/* Values lie in pages of their own, or in the area itself. */
struct transforms {
    struct lm_gf8_transform t;
    enum direction direction;
    bool in_place;
    struct guarded values[MAX_TRANSFORM], area;
    uint8_t *at[MAX_TRANSFORM], *row[MAX_TRANSFORM]; /* without and with t.at, or NULL */
    uint8_t saved[MAX_TRANSFORM][MAX_COLUMNS], input[MAX_TRANSFORM][MAX_COLUMNS];
    uint8_t expected[MAX_TRANSFORM][MAX_COLUMNS];
};

static uint8_t *area_row(const struct transforms *s, unsigned r)
{
    return s->t.area + r * s->t.stride;
}

/* The definition, in place. */
static void define_transform(struct transforms *s, unsigned level)
{
    const struct lm_gf8_transform *t = &s->t;
    for (unsigned r = 0; r < 1u << t->levels; r++) {
        uint8_t *lower = s->expected[r], *upper = s->expected[r | 1u << level];
        unsigned point = t->base + (r >> (level + 1) << (t->first + level + 1));
        uint8_t factor = lm_gf8_twiddles[t->first + level][point];
        for (size_t i = 0; lower != upper && i < t->size_bytes; i++) {
            if (s->direction == INVERSE)
                upper[i] ^= lower[i];
            lower[i] ^= slow_gf8(factor, upper[i]);
            if (s->direction == FORWARD)
                upper[i] ^= lower[i];
        }
    }
}

static void define_rows(struct transforms *s)
{
    const struct lm_gf8_transform *t = &s->t;
    bool inverse = s->direction == INVERSE;
    for (unsigned r = 0; r < 1u << t->levels; r++)
        if (inverse && !s->row[r])
            memset(s->expected[r], 0, t->size_bytes);
        else
            memcpy(s->expected[r], s->input[r], t->size_bytes);
    for (unsigned i = 0; i < t->levels; i++)
        define_transform(s, inverse ? i : t->levels - 1 - i);
    for (unsigned r = 0; inverse && r < 1u << t->levels; r++)
        for (size_t i = 0; i < t->size_bytes; i++)
            s->expected[r][i] =
                slow_gf8(t->scale, s->expected[r][i]) ^ (t->add ? s->saved[r][i] : 0);
}

/* Mostly at one of the ends. */
static uint8_t *place_anyhow(const struct guarded *g, size_t size)
{
    uint8_t *at = place(g, size, rand() & 1);
    size_t shift = rand() & 1 ? (size_t)rand() % 64 : 0;
    if (g->size < size + shift)
        return at;
    return at == g->start ? at + shift : at - shift;
}

static void choose_transform(struct transforms *s, unsigned levels, unsigned shape)
{
    unsigned first = rand() % 2 ? (unsigned)rand() % (9 - levels) : 0, bits = first + levels;
    unsigned lack = shape % 3 == 0 ? 0 : shape % 3 == 1 ? 16 : 56, rows = 1u << levels;
    size_t size = 64 + 64 * ((size_t)rand() % (MAX_COLUMNS / 64));
    s->direction = shape & 1 ? FORWARD : INVERSE;
    s->in_place = shape % 5 == 0;
    s->t = (struct lm_gf8_transform){.levels = levels,
                                     .first = first,
                                     .base = (unsigned)rand() % (256u >> bits) << bits,
                                     .scale = rand() % 3 ? 1 + (uint8_t)(rand() % 255) : 1,
                                     .add = s->direction == INVERSE && !s->in_place && rand() & 1,
                                     .stride = size + (rand() & 1 ? (size_t)rand() % 65 : 0),
                                     .at = s->in_place ? 0 : (size_t)rand() % 100,
                                     .size_bytes = size};
    s->t.area = place_anyhow(&s->area, (rows - 1) * s->t.stride + size);
    unsigned block = (unsigned)rand() % rows / 8 * 8; /* one that has no rows at all */
    for (unsigned r = 0; r < rows; r++) {
        bool there = (unsigned)rand() % 64 >= lack && (lack != 16 || r / 8 * 8 != block);
        fill(s->input[r], size);
        fill(s->saved[r], size);
        s->at[r] = s->in_place ? area_row(s, r) : place_anyhow(&s->values[r], size);
        s->row[r] = there ? s->at[r] - s->t.at : NULL;
    }
}

/* Before each kernel. */
static void reset_transform(struct transforms *s)
{
    bool inverse = s->direction == INVERSE;
    memset(s->area.start, CANARY, s->area.size);
    for (unsigned r = 0; r < 1u << s->t.levels; r++) {
        memset(s->values[r].start, CANARY, s->values[r].size);
        memcpy(area_row(s, r), inverse ? s->saved[r] : s->input[r], s->t.size_bytes);
        if (s->row[r] && (inverse || !s->in_place))
            memcpy(s->at[r], inverse ? s->input[r] : s->saved[r], s->t.size_bytes);
    }
}

/* Results as expected, sources as before, and nothing else written. */
static bool transform_holds(struct transforms *s)
{
    bool inverse = s->direction == INVERSE;
    size_t size = s->t.size_bytes;
    for (unsigned r = 0; r < 1u << s->t.levels; r++) {
        const uint8_t *value = inverse ? s->input[r] : s->expected[r];
        bool kept = !inverse && !(s->in_place && s->row[r]);
        if (memcmp(area_row(s, r), kept ? s->input[r] : s->expected[r], size) != 0)
            return false;
        memset(area_row(s, r), CANARY, size);
        if (s->in_place)
            continue;
        if (s->row[r] && memcmp(s->at[r], value, size) != 0)
            return false;
        if (!only_touched(&s->values[r], s->at[r], s->row[r] ? size : 0))
            return false;
    }
    return only_touched(&s->area, s->area.start, 0);
}

static void check_transform(struct transforms *s)
{
    size_t count;
    const struct lm_gf8_kernel *kernels = lm_gf8_kernels(&count);
    define_rows(s);
    for (size_t k = 0; k < count; k++) {
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        reset_transform(s);
        if (s->direction == INVERSE)
            kernels[k].inverse(&s->t, (const uint8_t *const *)s->row);
        else
            kernels[k].forward(&s->t, s->row);
        if (transform_holds(s))
            continue;
        printf("FAIL gf8 %s: %s of %u levels from %u, base %u, scale %u, add %d, %zu bytes\n",
               kernels[k].name, s->direction == INVERSE ? "inverse" : "forward", s->t.levels,
               s->t.first, s->t.base, s->t.scale, s->t.add, s->t.size_bytes);
        exit(1);
    }
}

static void check_transforms(void)
{
    static struct transforms s;
    size_t page = (size_t)sysconf(_SC_PAGESIZE), size = (AREA_BYTES + page - 1) / page * page;
    uint8_t *at = mmap(NULL, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    LM_CHECK(at != MAP_FAILED && mprotect(at + page, size, PROT_READ | PROT_WRITE) == 0);
    s.area = (struct guarded){at + page, size};
    for (unsigned r = 0; r < MAX_TRANSFORM; r++)
        s.values[r] = guarded_new();
    for (unsigned levels = 1; levels <= LM_GF8_MAX_LEVELS; levels++)
        for (unsigned shape = 0; shape < SHAPES; shape++) {
            choose_transform(&s, levels, shape);
            check_transform(&s);
        }
}

void check_gf8(void)
{
    check_tables();
    check_twiddles();
    check_products();
    check_transforms();
}

/* Best of several runs, in gigabytes of data shards per second. `lost` 0 measures encoding. */
static double bench_one(const struct lm_code8 *code, uint8_t *memory, unsigned lost)
{
    unsigned k = lm_code8_data(code), m = lm_code8_parity(code);
    uint8_t *shards[LM_CODE8_MAX_SHARDS], present[LM_CODE8_MAX_SHARDS];
    double best = 1e9;
    for (unsigned i = 0; i < k + m; i++)
        shards[i] = memory + (size_t)i * BENCH_BYTES;
    memset(present, 1, sizeof present);
    for (unsigned i = 0; i < lost; i++)
        present[i * k / lost] = 0;
    for (int run = 0; run < 15; run++) {
        const int repeats = 50;
        double start = now_s();
        for (int i = 0; i < repeats; i++) {
            if (lost)
                LM_CHECK(lm_code8_decode(code, shards, present, BENCH_BYTES) == (int)lost);
            else
                lm_code8_encode(code, (const uint8_t *const *)shards, shards + k, BENCH_BYTES);
        }
        double each = (now_s() - start) / repeats;
        best = each < best ? each : best;
    }
    return k * (double)BENCH_BYTES / best * 1e-9;
}

void bench_gf8(void)
{
    static const struct bench_case cases[] = {{10, 2}, {42, 9}, {64, 16}, {128, 32}, {200, 50}};
    size_t count;
    const struct lm_gf8_kernel *kernels = lm_gf8_kernels(&count);
    uint8_t *memory = aligned_alloc(64, LM_CODE8_MAX_SHARDS * BENCH_BYTES);
    LM_CHECK(memory);
    fill(memory, LM_CODE8_MAX_SHARDS * BENCH_BYTES);
    printf("%-8s %9s %8s %8s %8s   GB/s of data, %d-byte shards\n", "kernel", "k, m", "encode",
           "lose 5%", "lose m", BENCH_BYTES);
    for (size_t n = 0; n < count; n++) {
        if (kernels[n].cpu_flags & ~lm_cpu_flags())
            continue;
        lm_cpu_mask(kernels[n].cpu_flags);
        for (size_t i = 0; i < LM_ARRAY_LEN(cases); i++) {
            struct lm_code8 *code;
            LM_CHECK(lm_code8_create(&code, cases[i].k, cases[i].m) == 0);
            printf("%-8s %4u,%4u", kernels[n].name, cases[i].k, cases[i].m);
            printf(" %8.2f", bench_one(code, memory, 0));
            printf(" %8.2f", bench_one(code, memory, (cases[i].k + 19) / 20));
            printf(" %8.2f\n", bench_one(code, memory, cases[i].m));
            lm_code8_destroy(code);
        }
        lm_cpu_mask(UINT32_MAX);
    }
    free(memory);
}
