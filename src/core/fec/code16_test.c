#include "core/fec/code16_blocks.h"

#include "core/base/check.h"
#include "core/crypto/hash.h"
#include "core/dsp/cpu.h"
#include "core/dsp/gf16.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static void seed_random(void)
{
    unsigned seed;
    const char *given = getenv("LUMEN_SEED");
    lm_random(&seed, sizeof seed);
    if (given)
        seed = (unsigned)strtoul(given, NULL, 10);
    printf("seed %u\n", seed);
    srand(seed);
}

static unsigned below(unsigned n)
{
    return ((unsigned)rand() << 15 ^ (unsigned)rand()) % n;
}

/* Loses `data` shards of the data and `parity` of the parity. */
static void block_lose(struct code16_block *b, unsigned data, unsigned parity)
{
    memset(b->present, 1, b->k + b->m);
    while (data) {
        unsigned i = below(b->k);
        data -= b->present[i];
        b->present[i] = 0;
    }
    while (parity) {
        unsigned i = b->k + below(b->m);
        parity -= b->present[i];
        b->present[i] = 0;
    }
}

/* A shape, mostly small, at times of a few thousand points. */
static void random_shape(unsigned *k, unsigned *m, size_t *size)
{
    unsigned most = 1u << (1 + below(12));
    *m = 1 + below(LM_MIN(most, 600));
    *k = 1 + below(most);
    *size = 2 * (1 + below(below(2) ? 32 : 400));
    if (below(2))
        *size = (*size + 63) / 64 * 64;
    while (*k * *size > 300000)
        *k = *k / 2 + 1;
}

/* As much as can be, or a share of it, or a few. */
static unsigned random_loss(unsigned most)
{
    static const unsigned parts[] = {1, 2, 8, 64};
    return most - below(most / parts[below(4)] + 1) * below(2);
}

static void lose_at_random(struct code16_block *b)
{
    unsigned most = LM_MIN(b->k, b->m), data = random_loss(most);
    if (below(2))
        data = below(LM_MIN(most, 20) + 1);
    block_lose(b, data, below(b->m - data + 1));
}

static void any_k_of_n_shards_restore_the_data(void **state)
{
    seed_random();
    for (size_t kernel = 0; code16_next_kernel(&kernel);) {
        bool slow = lm_gf16_kernel(lm_cpu_flags())->cpu_flags == 0;
        for (int round = 0; round < (slow ? 15 : 60); round++) {
            struct code16_block b;
            unsigned k, m;
            size_t size;
            random_shape(&k, &m, &size);
            struct lm_code16 *code = code16_for(k, m, size);
            code16_block_init(&b, k, m, size);
            code16_block_fill(&b, (uint64_t)rand());
            code16_block_encode(&b, code);
            for (int again = 0; again < 3; again++) {
                lose_at_random(&b);
                code16_expect_repairs(&b, code);
            }
            code16_block_finish(&b);
            lm_code16_destroy(code);
        }
    }
    lm_cpu_mask(UINT32_MAX);
}

/* All the data, from as much parity. */
static void parity_alone_restores_the_data(void **state)
{
    static const unsigned counts[] = {1, 2, 3, 16, 17, 33, 100, 300};
    for (size_t i = 0; i < LM_ARRAY_LEN(counts); i++) {
        struct code16_block b;
        struct lm_code16 *code = code16_for(counts[i], counts[i], 130);
        code16_block_init(&b, counts[i], counts[i], 130);
        code16_block_fill(&b, i);
        code16_block_encode(&b, code);
        memset(b.present, 0, b.k);
        code16_expect_repairs(&b, code);
        code16_block_finish(&b);
        lm_code16_destroy(code);
    }
}

/* One workspace, many shapes: nothing of an earlier block shows in a later one. */
static void one_workspace_serves_all_shapes(void **state)
{
    struct lm_code16 *code = code16_for(4096, 600, 832);
    seed_random();
    for (int round = 0; round < 100; round++) {
        struct code16_block b;
        unsigned k, m;
        size_t size;
        random_shape(&k, &m, &size);
        struct lm_code16 *fresh = code16_for(k, m, size);
        code16_block_init(&b, k, m, size);
        code16_block_fill(&b, (uint64_t)rand());
        code16_block_encode(&b, fresh);
        code16_erase_parity(&b);
        if (below(2))
            code16_add_all(code, &b);
        else
            assert_int_equal(lm_code16_encode(code, k, m, code16_data_of(&b), b.shards + k, size),
                             0);
        assert_memory_equal(b.memory, b.original, code16_block_bytes(&b));
        lose_at_random(&b);
        code16_expect_repair(&b, code, LM_CODE16_AUTO);
        code16_block_finish(&b);
        lm_code16_destroy(fresh);
    }
    lm_code16_destroy(code);
}

static void fewer_parity_shards_are_a_prefix(void **state)
{
    struct lm_code16 *code = code16_for(300, 64, 128);
    struct code16_block b;
    code16_block_init(&b, 300, 64, 128);
    code16_block_fill(&b, 7);
    code16_block_encode(&b, code);
    for (unsigned m = 33; m <= 64; m++) {
        code16_erase_parity(&b);
        assert_int_equal(lm_code16_encode(code, 300, m, code16_data_of(&b), b.shards + 300, 128),
                         0);
        for (unsigned j = m; j < 64; j++)
            memcpy(b.shards[300 + j], b.original + (b.shards[300 + j] - b.memory), 128);
        assert_memory_equal(b.memory, b.original, code16_block_bytes(&b));
    }
    code16_block_finish(&b);
    lm_code16_destroy(code);
}

static void all_kernels_make_the_same_parity(void **state)
{
    struct code16_block b;
    struct lm_code16 *best = code16_for(700, 150, 390);
    code16_block_init(&b, 700, 150, 390);
    code16_block_fill(&b, 3);
    code16_block_encode(&b, best);
    for (size_t kernel = 0; code16_next_kernel(&kernel);) {
        struct lm_code16 *code = code16_for(700, 150, 390);
        code16_erase_parity(&b);
        assert_int_equal(lm_code16_encode(code, 700, 150, code16_data_of(&b), b.shards + 700, 390),
                         0);
        assert_memory_equal(b.memory, b.original, code16_block_bytes(&b));
        lm_code16_destroy(code);
    }
    lm_cpu_mask(UINT32_MAX);
    code16_block_finish(&b);
    lm_code16_destroy(best);
}

static void too_few_shards_write_nothing(void **state)
{
    struct lm_code16 *code = code16_for(40, 10, 66);
    struct code16_block b;
    code16_block_init(&b, 40, 10, 66);
    code16_block_fill(&b, 5);
    code16_block_encode(&b, code);
    for (unsigned lost = 11; lost <= 40; lost += 29) {
        memset(b.present, 1, 50);
        memset(b.present, 0, lost);
        assert_int_equal(lm_code16_decode(code, 40, 10, b.shards, b.present, 66), LM_ENOENT);
    }
    memset(b.present, 1, 50);
    b.present[3] = 0;
    memset(b.present + 40, 0, 10);
    assert_int_equal(lm_code16_decode(code, 40, 10, b.shards, b.present, 66), LM_ENOENT);
    b.present[3] = 1;
    assert_int_equal(lm_code16_decode(code, 40, 10, b.shards, b.present, 66), 0);
    assert_memory_equal(b.memory, b.original, code16_block_bytes(&b));
    code16_block_finish(&b);
    lm_code16_destroy(code);
}

static void limits_of_the_code_are_kept(void **state)
{
    static const struct {
        struct lm_code16_limits limits;
        int result;
    } table[] = {
        {{1, 1, 2}, 0},
        {{65535, 1, 2}, 0},
        {{32768, 32768, 64}, 0},
        {{1, 32768, 2}, 0},
        {{65536 - 512, 512, 2}, 0},
        {{1, 1, 65472}, 0},
        {{0, 1, 64}, LM_EINVAL},
        {{1, 0, 64}, LM_EINVAL},
        {{65536, 1, 2}, LM_EINVAL},
        {{32769, 32768, 2}, LM_EINVAL},
        {{32767, 32769, 2}, LM_EINVAL},
        {{65536 - 511, 257, 2}, LM_EINVAL},
        {{UINT32_MAX, 1, 2}, LM_EINVAL},
        {{1, UINT32_MAX, 2}, LM_EINVAL},
        {{1, 1, 0}, LM_EINVAL},
        {{1, 1, 65}, LM_EINVAL},
        {{1, 1, 65474}, LM_EINVAL},
        {{1, 1, SIZE_MAX - 1}, LM_EINVAL},
    };
    for (size_t i = 0; i < LM_ARRAY_LEN(table); i++) {
        struct lm_code16 *code;
        assert_int_equal(lm_code16_create(&code, &table[i].limits), table[i].result);
        assert_int_equal(code == NULL, table[i].result != 0);
        lm_code16_destroy(code);
    }
}

static void limits_of_the_workspace_are_kept(void **state)
{
    struct lm_code16 *code = code16_for(100, 20, 1000);
    uint8_t *none[1] = {NULL};
    const uint8_t *no_data[1] = {NULL};
    uint8_t shard[1000] = {0};
    assert_int_equal(lm_code16_check(code, 100, 20, 1000), 0);
    assert_int_equal(lm_code16_check(code, 1, 1, 2), 0);
    assert_int_equal(lm_code16_check(code, 101, 20, 1000), LM_EINVAL);
    assert_int_equal(lm_code16_check(code, 100, 21, 1000), LM_EINVAL);
    assert_int_equal(lm_code16_check(code, 100, 20, 1002), LM_EINVAL);
    assert_int_equal(lm_code16_check(code, 100, 20, 999), LM_EINVAL);
    assert_int_equal(lm_code16_check(code, 0, 20, 1000), LM_EINVAL);
    assert_int_equal(lm_code16_check(code, 100, 0, 1000), LM_EINVAL);
    assert_int_equal(lm_code16_check(code, 100, 20, 0), LM_EINVAL);
    assert_int_equal(lm_code16_encode(code, 101, 20, no_data, none, 1000), LM_EINVAL);
    assert_int_equal(lm_code16_decode(code, 100, 21, none, shard, 1000), LM_EINVAL);
    assert_int_equal(lm_code16_begin(code, 100, 20, 999), LM_EINVAL);
    assert_int_equal(lm_code16_add(code, shard), LM_EINVAL);
    lm_code16_destroy(code);
    lm_code16_destroy(NULL);
}

static void blocks_are_added_whole(void **state)
{
    struct lm_code16 *code = code16_for(3, 2, 64);
    struct code16_block b;
    code16_block_init(&b, 3, 2, 64);
    code16_block_fill(&b, 11);
    code16_block_encode(&b, code);
    uint8_t *const *parity = b.shards + 3;
    assert_int_equal(lm_code16_finish(code, parity), LM_EINVAL);
    assert_int_equal(lm_code16_begin(code, 3, 2, 64), 0);
    assert_int_equal(lm_code16_add(code, b.shards[0]), 0);
    assert_int_equal(lm_code16_add(code, b.shards[1]), 0);
    assert_int_equal(lm_code16_finish(code, parity), LM_EINVAL);
    assert_int_equal(lm_code16_add(code, b.shards[2]), 0);
    assert_int_equal(lm_code16_add(code, b.shards[2]), LM_EINVAL);
    assert_int_equal(lm_code16_finish(code, parity), 0);
    assert_int_equal(lm_code16_finish(code, parity), LM_EINVAL);
    assert_int_equal(lm_code16_begin(code, 3, 2, 64), 0);
    assert_int_equal(lm_code16_encode(code, 3, 2, code16_data_of(&b), parity, 64), 0);
    assert_int_equal(lm_code16_add(code, b.shards[0]), LM_EINVAL);
    assert_memory_equal(b.memory, b.original, code16_block_bytes(&b));
    code16_block_finish(&b);
    lm_code16_destroy(code);
}

/* Sanitizers need the address space themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static void create_reports_a_lack_of_memory(void **state)
{
#ifdef SANITIZED
    skip();
#endif
    struct rlimit old, small;
    struct lm_code16 *code;
    struct lm_code16_limits limits = {32768, 32768, 65472};
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    small = old;
    small.rlim_cur = (rlim_t)1 << 30;
    if (setrlimit(RLIMIT_AS, &small) != 0)
        skip();
    void *volatile large = malloc((size_t)2 << 30);
    bool limited = !large; /* emulators do not limit */
    free(large);
    int result = lm_code16_create(&code, &limits);
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    if (!limited) {
        lm_code16_destroy(code);
        skip();
    }
    assert_int_equal(result, LM_ENOMEM);
    assert_null(code);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_k_of_n_shards_restore_the_data),
        cmocka_unit_test(parity_alone_restores_the_data),
        cmocka_unit_test(one_workspace_serves_all_shapes),
        cmocka_unit_test(fewer_parity_shards_are_a_prefix),
        cmocka_unit_test(all_kernels_make_the_same_parity),
        cmocka_unit_test(too_few_shards_write_nothing),
        cmocka_unit_test(limits_of_the_code_are_kept),
        cmocka_unit_test(limits_of_the_workspace_are_kept),
        cmocka_unit_test(blocks_are_added_whole),
        cmocka_unit_test(create_reports_a_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
