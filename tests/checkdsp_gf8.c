/* GF(2^8): the dense product. */
#include "checkdsp.h"

#include "core/base/check.h"
#include "core/dsp/cpu.h"
#include "core/dsp/dsp.h"
#include "core/dsp/gf8_tables.h"
#include "core/fec/code8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SOURCES 40
#define MAX_ROWS    20
#define MAX_SIZE    1500
#define BENCH_BYTES 1024

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

struct bench_case {
    unsigned k, m;
};

struct fixture {
    struct guarded source[MAX_SOURCES], result[MAX_ROWS];
    uint8_t coefficients[MAX_SOURCES * (MAX_ROWS + 3)];
    uint8_t expected[MAX_ROWS][MAX_SIZE];
};

static void define(struct fixture *f, const struct lm_gf8_map *map, const uint8_t *const src[],
                   size_t size)
{
    for (unsigned row = 0; row < map->rows; row++) {
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
    define(f, map, src, size);
    for (size_t k = 0; k < count; k++) {
        if (kernels[k].cpu_flags & ~lm_cpu_flags())
            continue;
        for (unsigned row = 0; row < map->rows; row++) {
            memset(f->result[row].start, CANARY, f->result[row].size);
            dst[row] = place(&f->result[row], size, rand() & 1);
        }
        kernels[k].apply(map, src, dst, size);
        for (unsigned row = 0; row < map->rows; row++)
            if (memcmp(dst[row], f->expected[row], size) != 0 ||
                !only_touched(&f->result[row], dst[row], size)) {
                printf("FAIL gf8 %s: %u rows, %u sources, %zu bytes, row %u\n", kernels[k].name,
                       map->rows, map->sources, size, row);
                exit(1);
            }
    }
}

void check_gf8(void)
{
    static struct fixture f;
    check_tables();
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
    map.rows = map.stride = MAX_ROWS;
    map.sources = MAX_SOURCES;
    check_one(&f, &map, MAX_SIZE);
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
