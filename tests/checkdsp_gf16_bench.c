/* What the kernels of GF(2^16) take. */
#include "checkdsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/gf16.h"

#include <stdio.h>
#include <stdlib.h>

#define BLOCK LM_GF16_BLOCK_BYTES

enum operation { INVERSE_IN = 1, INVERSE, FORWARD, FORWARD_OUT };
static const char *const operation_name[] = {"", "inverse_in", "inverse", "forward", "forward_out"};

enum {
    BENCH_BYTES = 1344,
    BENCH_STRIDE = 1408,
    BENCH_SOURCES = 1000,
    BENCH_RUNS = 40,
    BENCH_BLOCKS = 256, /* of the areas */
};

struct bench {
    const struct lm_gf16_kernel *kernel;
    struct lm_gf_rows rows;
    struct lm_gf16_map map; /* without sources: a stage */
    struct lm_gf16_stage s;
    struct lm_gf16_area area, other; /* other is only read */
    enum operation operation;
    bool add;
};

static size_t rows_of(const struct lm_gf16_stage *s)
{
    return (size_t)s->blocks << (s->first + s->levels);
}

static void bench_once(const struct bench *c)
{
    if (c->map.sources)
        c->kernel->apply(&c->map, &c->rows, false);
    else if (c->operation == INVERSE_IN)
        c->kernel->inverse_in(&c->s, c->rows.src, 0, &c->area, c->add);
    else if (c->operation == INVERSE)
        c->kernel->inverse(&c->s, c->add ? &c->other : &c->area, &c->area, c->add);
    else if (c->operation == FORWARD)
        c->kernel->forward(&c->s, &c->area, &c->area);
    else
        c->kernel->forward_out(&c->s, &c->area, c->rows.dst, 0);
}

/* Best time of one call, in nanoseconds. */
static double bench_call(const struct bench *c)
{
    double best = 1e9;
    for (int run = 0; run < BENCH_RUNS; run++) {
        const int repeats = c->map.sources > 1 ? 2 : 20;
        double start = now_s();
        for (int i = 0; i < repeats; i++)
            bench_once(c);
        double each = (now_s() - start) / repeats;
        best = each < best ? each : best;
    }
    return best * 1e9;
}

/* With 0 to all levels wide, from the lowest up. */
static void bench_stage(struct bench *c)
{
    bool plain = c->operation == INVERSE_IN || c->operation == FORWARD_OUT;
    c->s.blocks = 1;
    c->s.first = plain ? 0 : c->add ? 3 : 4;
    c->s.columns = (BENCH_BLOCKS / (plain || c->add ? 2 : 1)) >> (c->s.first + c->s.levels);
    c->s.columns = plain && c->s.columns > BENCH_BYTES / BLOCK ? BENCH_BYTES / BLOCK : c->s.columns;
    c->area.column_bytes = c->other.column_bytes = rows_of(&c->s) * BLOCK;
    printf("%-8s %-11s %s, %u levels:", c->kernel->name, operation_name[c->operation],
           c->add ? "add  " : "store", c->s.levels);
    for (unsigned wide = 0; wide <= c->s.levels; wide++) {
        c->s.point = 1u << (c->s.first + 7 + wide) | (uint32_t)rows_of(&c->s);
        printf(" %7.3f", bench_call(c) / (double)(rows_of(&c->s) * c->s.columns));
    }
    printf("\n");
}

static void bench_stages(struct bench *c)
{
    for (c->operation = INVERSE_IN; c->operation <= FORWARD_OUT; c->operation++)
        for (int add = 0; add <= (c->operation <= INVERSE); add++)
            for (c->s.levels = 1; c->s.levels <= LM_GF16_STAGE_LEVELS; c->s.levels++) {
                c->add = add;
                bench_stage(c);
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
    static uint16_t coefficients[BENCH_SOURCES * LM_GF16_STAGE_ROWS];
    size_t count, bytes = (size_t)BENCH_STRIDE * (BENCH_SOURCES + LM_GF16_STAGE_ROWS);
    const struct lm_gf16_kernel *kernels = lm_gf16_kernels(&count);
    uint8_t *memory = aligned_alloc(64, bytes);
    static _Alignas(64) uint8_t area[2][BENCH_BLOCKS * BLOCK];
    LM_CHECK(memory);
    fill(memory, bytes);
    fill((uint8_t *)coefficients, sizeof coefficients);
    for (size_t i = 0; i < BENCH_SOURCES; i++) {
        dst[i] = memory + i * BENCH_STRIDE;
        src[i] = dst[i];
    }
    for (size_t k = 0; k < count; k++) {
        struct bench c = {.kernel = &kernels[k],
                          .rows = {.src = src, .dst = dst, .size_bytes = BENCH_BYTES},
                          .s = {.field = lm_gf16_field(), .scale = 1},
                          .area = {.memory = area[0]},
                          .other = {.memory = area[1]}};
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        bench_stages(&c);
        c.map.coefficients = coefficients;
        c.map.field = lm_gf16_field();
        for (int i = 0; i < LM_GF16_STAGE_ROWS; i++)
            dst[i] += (size_t)BENCH_STRIDE * BENCH_SOURCES;
        bench_apply(&c, 1, BENCH_SOURCES);
        bench_apply(&c, 2, BENCH_SOURCES);
        bench_apply(&c, 8, 128);
        bench_apply(&c, 16, 128);
        bench_apply(&c, 1, 1);
        for (int i = 0; i < LM_GF16_STAGE_ROWS; i++)
            dst[i] -= (size_t)BENCH_STRIDE * BENCH_SOURCES;
    }
    free(memory);
}
