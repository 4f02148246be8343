#include "core/fec/code8_blocks.h"

#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "core/dsp/cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_BYTES 1536

static void block_random(struct code8_block *b, const struct lm_code8 *code)
{
    for (size_t i = 0; i < b->k * b->size; i++)
        b->memory[i] = (uint8_t)rand();
    code8_block_encode(b, code);
}

/* Loses `count` shards at random, filling their buffers with rubbish. */
static void block_lose(struct code8_block *b, unsigned count)
{
    memset(b->present, 1, sizeof b->present);
    while (count) {
        unsigned i = (unsigned)rand() % (b->k + b->m);
        count -= b->present[i];
        if (b->present[i])
            memset(b->shards[i], rand(), b->size);
        b->present[i] = 0;
    }
}

static unsigned lost_data(const struct code8_block *b)
{
    unsigned n = 0;
    for (unsigned i = 0; i < b->k; i++)
        n += !b->present[i];
    return n;
}

static unsigned seed_random(void)
{
    unsigned seed;
    lm_random(&seed, sizeof seed);
    printf("seed %u\n", seed);
    srand(seed);
    return seed;
}

/* All 64 ways to lose packets of a sound block. */
static void audio_code_repairs_any_four_of_six(void **state) /* gs-media 51 */
{
    struct lm_code8 *code;
    struct code8_block b;
    seed_random();
    assert_int_equal(lm_code8_create_audio(&code), 0);
    code8_block_init(&b, 4, 2, 83);
    block_random(&b, code);
    for (unsigned lost = 0; lost < 64; lost++) {
        memcpy(b.memory, b.original, 6 * b.size);
        for (unsigned i = 0; i < 6; i++) {
            b.present[i] = !(lost >> i & 1);
            if (!b.present[i])
                memset(b.shards[i], 0xee, b.size);
        }
        int result = lm_code8_decode(code, b.shards, b.present, b.size);
        if (__builtin_popcount(lost) > 2 && lost_data(&b)) {
            assert_int_equal(result, LM_ENOENT);
            continue;
        }
        assert_int_equal(result, lost_data(&b));
        assert_memory_equal(b.memory, b.original, 4 * b.size);
    }
    code8_block_finish(&b);
    lm_code8_destroy(code);
}

static void expect_repair(struct code8_block *b, const struct lm_code8 *code, unsigned lost)
{
    memcpy(b->memory, b->original, (b->k + b->m) * b->size);
    block_lose(b, lost);
    for (unsigned j = 0; j < b->m; j++)
        b->shards[b->k + j] = b->present[b->k + j] ? b->memory + (b->k + j) * b->size : NULL;
    assert_int_equal(lm_code8_decode(code, b->shards, b->present, b->size), lost_data(b));
    assert_memory_equal(b->memory, b->original, b->k * b->size);
    for (unsigned j = 0; j < b->m; j++)
        b->shards[b->k + j] = b->memory + (b->k + j) * b->size;
}

static void any_k_of_n_shards_restore_the_data(void **state) /* gs-media 44 */
{
    seed_random();
    for (int round = 0; round < 300; round++) {
        unsigned k = 1 + (unsigned)rand() % 254;
        unsigned m = 1 + (unsigned)rand() % (255 - k);
        struct lm_code8 *code;
        struct code8_block b;
        assert_int_equal(lm_code8_create(&code, k, m), 0);
        code8_block_init(&b, k, m, 1 + (size_t)rand() % 700);
        block_random(&b, code);
        expect_repair(&b, code, m);
        expect_repair(&b, code, (unsigned)rand() % (m + 1));
        code8_block_finish(&b);
        lm_code8_destroy(code);
    }
}

/* Every shape: lose as much as possible, data first. */
static void every_shape_repairs_its_worst_case(void **state) /* gs-media 44 */
{
    struct lm_code8_cache *cache;
    assert_int_equal(lm_code8_cache_create(&cache, 1), 0);
    for (unsigned k = 1; k < 255; k++)
        for (unsigned m = 1; m <= 255 - k; m += k > 60 && m > 60 ? 7 : 1) {
            struct code8_block b;
            const struct lm_code8 *code = lm_code8_cache_get(cache, k, m);
            code8_block_init(&b, k, m, 3);
            for (unsigned i = 0; i < k * 3; i++)
                b.memory[i] = (uint8_t)(i * 89 + 7);
            code8_block_encode(&b, code);
            unsigned lost = k < m ? k : m;
            memset(b.memory, 0, lost * 3);
            memset(b.present, 0, lost);
            assert_int_equal(lm_code8_decode(code, b.shards, b.present, 3), (int)lost);
            assert_memory_equal(b.memory, b.original, k * 3);
            code8_block_finish(&b);
        }
    lm_code8_cache_destroy(cache);
}

static void too_few_shards_write_nothing(void **state)
{
    struct lm_code8 *code;
    struct code8_block b;
    assert_int_equal(lm_code8_create(&code, 10, 4), 0);
    code8_block_init(&b, 10, 4, 50);
    block_random(&b, code);
    memset(b.present, 0, 5);
    memset(b.memory, 0xab, 5 * b.size);
    memcpy(b.original, b.memory, 14 * b.size);
    assert_int_equal(lm_code8_decode(code, b.shards, b.present, b.size), LM_ENOENT);
    b.present[0] = 1;
    b.present[12] = 0;
    assert_int_equal(lm_code8_decode(code, b.shards, b.present, b.size), LM_ENOENT);
    assert_memory_equal(b.memory, b.original, 14 * b.size);
    code8_block_finish(&b);
    lm_code8_destroy(code);
}

static void shapes_out_of_range_are_refused(void **state)
{
    static const unsigned shapes[][2] = {{0, 1},     {1, 0},   {255, 1},         {1, 255},
                                         {128, 128}, {254, 2}, {4000000000u, 1}, {1, 4000000000u}};
    struct lm_code8 *code;
    struct lm_code8_cache *cache;
    assert_int_equal(lm_code8_cache_create(&cache, 0), LM_EINVAL);
    assert_int_equal(lm_code8_cache_create(&cache, 65), LM_EINVAL);
    assert_int_equal(lm_code8_cache_create(&cache, 2), 0);
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        assert_int_equal(lm_code8_create(&code, shapes[i][0], shapes[i][1]), LM_EINVAL);
        assert_null(code);
        assert_null(lm_code8_cache_get(cache, shapes[i][0], shapes[i][1]));
    }
    lm_code8_cache_destroy(cache);
    lm_code8_cache_destroy(NULL);
    lm_code8_destroy(NULL);
}

static void cache_drops_the_least_recently_used(void **state)
{
    struct lm_code8_cache *cache;
    assert_int_equal(lm_code8_cache_create(&cache, 2), 0);
    const struct lm_code8 *a = lm_code8_cache_get(cache, 10, 2);
    const struct lm_code8 *b = lm_code8_cache_get(cache, 20, 4);
    assert_ptr_not_equal(a, b);
    assert_ptr_equal(lm_code8_cache_get(cache, 10, 2), a);
    assert_ptr_equal(lm_code8_cache_get(cache, 30, 6), b);
    assert_ptr_equal(lm_code8_cache_get(cache, 10, 2), a);
    assert_int_equal(lm_code8_data(b), 30);
    assert_int_equal(lm_code8_parity(b), 6);
    lm_code8_cache_destroy(cache);
}

/* Products by shift and reduction, quotients by search. */
struct field {
    uint8_t product[256][256], inverse[256];
};

static struct field *field_create(void)
{
    struct field *f = calloc(1, sizeof *f);
    assert_non_null(f);
    for (unsigned a = 0; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            unsigned product = 0, shifted = a;
            for (unsigned bit = 0; bit < 8; bit++) {
                product ^= b >> bit & 1 ? shifted : 0;
                shifted = shifted << 1 ^ (shifted & 0x80 ? 0x11d : 0);
            }
            f->product[a][b] = (uint8_t)product;
            if (product == 1)
                f->inverse[a] = (uint8_t)b;
        }
    return f;
}

/* The code's definition, row by row. */
static void expect_definition(const struct field *f, const struct code8_block *b)
{
    uint8_t row[MAX_BYTES];
    for (unsigned j = 0; j < b->m; j++) {
        memset(row, 0, b->size);
        for (unsigned i = 0; i < b->k; i++) {
            const uint8_t *product = f->product[f->inverse[(b->m + i) ^ j]];
            for (size_t n = 0; n < b->size; n++)
                row[n] ^= product[b->shards[i][n]];
        }
        if (memcmp(row, b->shards[b->k + j], b->size) != 0)
            fail_msg("k %u, m %u, %zu bytes, row %u", b->k, b->m, b->size, j);
    }
}

static const uint32_t levels[] = {0, LM_CPU_AVX2, LM_CPU_AVX2 | LM_CPU_GFNI, UINT32_MAX};

/* Each number of parity shards at each level; over the seeds, each shape. */
static void any_shape_and_size_follows_the_definition(void **state) /* gs-media 36 */
{
    unsigned seed = seed_random();
    struct field *f = field_create();
    for (size_t level = 0; level < sizeof levels / sizeof levels[0]; level++) {
        lm_cpu_mask(levels[level]);
        for (unsigned m = 1; m < 255; m++)
            for (unsigned k = 1 + (seed + m * 7) % 113; k <= 255 - m; k += 113) {
                struct lm_code8 *code;
                struct code8_block b;
                assert_int_equal(lm_code8_create(&code, k, m), 0);
                code8_block_init(&b, k, m, 1 + (size_t)rand() % 200);
                block_random(&b, code);
                expect_definition(f, &b);
                code8_block_finish(&b);
                lm_code8_destroy(code);
            }
    }
    lm_cpu_mask(UINT32_MAX);
    free(f);
}

/* In order of what a sender meets: a frame's shards are long, and not always full columns. */
static void sizes_of_packets_follow_the_definition(void **state)
{
    static const unsigned shapes[][2] = {{10, 2},   {32, 8},   {42, 9},   {64, 16},  {100, 20},
                                         {128, 32}, {200, 50}, {212, 42}, {212, 43}, {70, 33},
                                         {150, 63}, {150, 65}, {127, 128}};
    static const size_t sizes[] = {64, 65, 127, 192, 1024, 1040, 1343, 1408, 1500};
    struct field *f = field_create();
    seed_random();
    for (size_t level = 0; level < sizeof levels / sizeof levels[0]; level++)
        for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
            struct lm_code8 *code;
            struct code8_block b;
            lm_cpu_mask(levels[level]);
            assert_int_equal(lm_code8_create(&code, shapes[i][0], shapes[i][1]), 0);
            code8_block_init(&b, shapes[i][0], shapes[i][1], sizes[(i + level) % 9]);
            block_random(&b, code);
            expect_definition(f, &b);
            code8_block_finish(&b);
            lm_code8_destroy(code);
        }
    lm_cpu_mask(UINT32_MAX);
    free(f);
}

static void every_kernel_repairs_any_k_of_n(void **state) /* gs-media 44 */
{
    seed_random();
    for (int round = 0; round < 400; round++) {
        unsigned k = 1 + (unsigned)rand() % 254, m = 1 + (unsigned)rand() % (255 - k);
        struct lm_code8 *code;
        struct code8_block b;
        if (round % 4 == 0) { /* shapes of streams */
            k = 40 + (unsigned)rand() % 170;
            m = (k + 4) / 5;
        }
        lm_cpu_mask(levels[round % 4]);
        assert_int_equal(lm_code8_create(&code, k, m), 0);
        code8_block_init(&b, k, m, 1 + (size_t)rand() % 400);
        block_random(&b, code);
        expect_repair(&b, code, m);
        expect_repair(&b, code, (unsigned)rand() % (m + 1));
        code8_block_finish(&b);
        lm_code8_destroy(code);
    }
    lm_cpu_mask(UINT32_MAX);
}

/* Wherever the parity at hand lies, and whatever lies between. */
static void any_run_of_parity_restores_the_data(void **state)
{
    enum { K = 90, M = 40 };
    static const size_t sizes[] = {63, 64, 130, 1400};
    struct lm_code8 *code;
    seed_random();
    assert_int_equal(lm_code8_create(&code, K, M), 0);
    for (unsigned round = 0; round < 200; round++) {
        unsigned first = (unsigned)rand() % M, count = 1 + (unsigned)rand() % (M - first);
        struct code8_block b;
        code8_block_init(&b, K, M, sizes[round % LM_ARRAY_LEN(sizes)]);
        block_random(&b, code);
        memset(b.present + K, 0, M);
        memset(b.present + K + first, 1, count);
        for (unsigned lost = 0; lost < count;) {
            unsigned i = (unsigned)rand() % K;
            lost += b.present[i];
            b.present[i] = 0;
            memset(b.shards[i], 0x5c, b.size);
        }
        assert_int_equal(lm_code8_decode(code, b.shards, b.present, b.size), count);
        assert_memory_equal(b.memory, b.original, K * b.size);
        code8_block_finish(&b);
    }
    lm_code8_destroy(code);
}

static void expect_same_when_added(struct lm_code8_encoder *encoder, const struct lm_code8 *code,
                                   struct code8_block *b)
{
    assert_int_equal(lm_code8_encoder_begin(encoder, code, b->size), 0);
    for (unsigned i = 0; i < b->k; i++) {
        assert_int_equal(lm_code8_encoder_finish(encoder, b->shards + b->k), LM_EINVAL);
        assert_int_equal(lm_code8_encoder_add(encoder, b->shards[i]), 0);
    }
    assert_int_equal(lm_code8_encoder_add(encoder, b->shards[0]), LM_EINVAL);
    memset(b->shards[b->k], 0xc5, b->m * b->size);
    assert_int_equal(lm_code8_encoder_finish(encoder, b->shards + b->k), 0);
    if (memcmp(b->memory, b->original, (b->k + b->m) * b->size) != 0)
        fail_msg("k %u, m %u, %zu bytes", b->k, b->m, b->size);
}

static void shards_added_one_by_one_give_the_same_parity(void **state)
{
    struct lm_code8_encoder *encoder;
    unsigned seed = seed_random();
    assert_int_equal(lm_code8_encoder_create(&encoder, 254, 450), 0);
    for (unsigned m = 1; m < 255; m++)
        for (unsigned k = 1 + (seed + m * 5) % 109; k <= 255 - m; k += 109) {
            struct lm_code8 *code;
            struct code8_block b;
            lm_cpu_mask(levels[rand() % 4]);
            assert_int_equal(lm_code8_create(&code, k, m), 0);
            code8_block_init(&b, k, m, 1 + (size_t)rand() % (rand() % 2 ? 450 : 100));
            block_random(&b, code);
            expect_same_when_added(encoder, code, &b);
            code8_block_finish(&b);
            lm_code8_destroy(code);
        }
    lm_cpu_mask(UINT32_MAX);
    lm_code8_encoder_destroy(encoder);
}

/* Memory for the largest that was announced and no more; the audio code too. */
static void encoder_keeps_to_its_limits(void **state)
{
    struct lm_code8_encoder *encoder;
    struct lm_code8 *code, *audio;
    struct code8_block b;
    assert_int_equal(lm_code8_encoder_create(&encoder, 0, 100), LM_EINVAL);
    assert_null(encoder);
    assert_int_equal(lm_code8_encoder_create(&encoder, 255, 100), LM_EINVAL);
    assert_int_equal(lm_code8_encoder_create(&encoder, 1, 0), LM_EINVAL);
    assert_int_equal(lm_code8_encoder_create(&encoder, 1, 65536), LM_EINVAL);
    lm_code8_encoder_destroy(NULL);
    assert_int_equal(lm_code8_encoder_create(&encoder, 20, 1040), 0);
    assert_int_equal(lm_code8_create(&code, 100, 20), 0);
    assert_int_equal(lm_code8_create_audio(&audio), 0);
    assert_int_equal(lm_code8_encoder_begin(encoder, code, 1041), LM_EINVAL);
    assert_int_equal(lm_code8_encoder_begin(encoder, code, 0), LM_EINVAL);
    assert_int_equal(lm_code8_encoder_add(encoder, NULL), LM_EINVAL);
    code8_block_init(&b, 100, 20, 1040);
    block_random(&b, code);
    expect_same_when_added(encoder, code, &b);
    assert_int_equal(lm_code8_encoder_finish(encoder, b.shards + b.k), LM_EINVAL);
    code8_block_finish(&b);
    code8_block_init(&b, 4, 2, 83);
    block_random(&b, audio);
    expect_same_when_added(encoder, audio, &b);
    code8_block_finish(&b);
    lm_code8_destroy(code);
    assert_int_equal(lm_code8_create(&code, 100, 21), 0);
    assert_int_equal(lm_code8_encoder_begin(encoder, code, 1040), LM_EINVAL);
    lm_code8_destroy(code);
    lm_code8_destroy(audio);
    lm_code8_encoder_destroy(encoder);
}

/* Shards of a size of their own, so that a sanitizer sees what is touched beyond. */
static void nothing_beyond_the_shards_is_touched(void **state)
{
    for (size_t size = 60; size < 300; size += 13) {
        uint8_t *shards[130], present[130];
        struct lm_code8 *code;
        unsigned k = 100 + (unsigned)(size % 7), m = 24;
        assert_int_equal(lm_code8_create(&code, k, m), 0);
        for (unsigned i = 0; i < k + m; i++) {
            shards[i] = malloc(size);
            assert_non_null(shards[i]);
            memset(shards[i], (int)(i * 37 + size), size);
            present[i] = i % 5 != 0 || i >= k;
        }
        lm_code8_encode(code, (const uint8_t *const *)shards, shards + k, size);
        for (unsigned i = 0; i < k; i += 5)
            memset(shards[i], 0, size);
        assert_int_equal(lm_code8_decode(code, shards, present, size), (k + 4) / 5);
        for (unsigned i = 0; i < k + m; i++) {
            for (size_t n = 0; i < k && n < size; n++)
                assert_int_equal(shards[i][n], (uint8_t)(i * 37 + size));
            free(shards[i]);
        }
        lm_code8_destroy(code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(audio_code_repairs_any_four_of_six),
        cmocka_unit_test(any_k_of_n_shards_restore_the_data),
        cmocka_unit_test(every_shape_repairs_its_worst_case),
        cmocka_unit_test(too_few_shards_write_nothing),
        cmocka_unit_test(shapes_out_of_range_are_refused),
        cmocka_unit_test(cache_drops_the_least_recently_used),
        cmocka_unit_test(any_shape_and_size_follows_the_definition),
        cmocka_unit_test(sizes_of_packets_follow_the_definition),
        cmocka_unit_test(every_kernel_repairs_any_k_of_n),
        cmocka_unit_test(any_run_of_parity_restores_the_data),
        cmocka_unit_test(shards_added_one_by_one_give_the_same_parity),
        cmocka_unit_test(encoder_keeps_to_its_limits),
        cmocka_unit_test(nothing_beyond_the_shards_is_touched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
